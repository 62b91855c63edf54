import { type Compact, checkpointHash, type NewBlock } from '@y-sealed/protocol'
import type { CompactRequest } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
import { Refusal } from './refusal.ts'
import type { NewEntries } from './staging.ts'

/** What a `compact` stores, of all that it has brought. Throws Refusal `malformed` where that is not the checkpoint it names. */
export function newCheckpoint(
  { sequence, hash, previous, checkpoint }: Compact<NewBlock>,
  { runs, chunks: [first, ...others] }: NewEntries,
): Pick<CompactRequest, 'sequence' | 'hash' | 'previous' | 'chunks'> {
  if (runs.length > 0) throw new Refusal('malformed', 'an entry among the chunks of a checkpoint')
  if (!first) throw new Refusal('malformed', 'a checkpoint without chunks')
  const chunks = [first, ...others] as const
  const computed = checkpointHash(chunks.map((chunk) => chunk.hash))
  if (!sameHash(computed, checkpoint)) throw new Refusal('malformed', 'not the checkpoint that is staged')
  return { sequence, hash, previous, chunks }
}
