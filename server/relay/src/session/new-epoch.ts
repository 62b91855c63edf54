import { checkpointHash, type NewBlock, type Open, ProtocolError } from '@y-sealed/protocol'
import { recordPrefix } from '@y-sealed/protocol/header'
import type { OpenRequest } from '../log/log-store.ts'
import { recordHash, sameHash } from '../log/record-hash.ts'
import { Refusal } from './refusal.ts'
import type { NewEntries } from './staging.ts'

/** What an `open` stores, of all that it has brought. Throws Refusal `malformed` where its parts do not fit each other. */
export function newEpoch(
  { record, previous, sequence, hash, checkpoint }: Open<NewBlock>,
  { runs, chunks }: NewEntries,
): Pick<OpenRequest, 'record' | 'replaces' | 'runs' | 'chunks'> {
  const index = indexOf(record)
  if ([...runs, ...chunks].some(({ epochIndex }) => epochIndex !== index)) {
    throw new Refusal('malformed', 'an entry of another epoch than the record')
  }
  const computed = chunks.length > 0 ? checkpointHash(chunks.map((chunk) => chunk.hash)) : undefined
  if (!sameHash(computed, checkpoint)) throw new Refusal('malformed', 'not the checkpoint that is staged')
  const replaces = previous && hash && { record: previous, sequence, hash }
  return { record: { index, bytes: record, hash: recordHash(record) }, replaces, runs, chunks }
}

function indexOf(record: Uint8Array): number {
  try {
    return recordPrefix(record).index
  } catch (error) {
    if (error instanceof ProtocolError) throw new Refusal('malformed', error.message)
    throw error
  }
}
