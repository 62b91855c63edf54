import { createSealer, EnvelopeKind, encodeCheckpointBody, parseEpochRecord, recordHash } from '@y-sealed/envelope'
import { leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { nameOf, RawClient, toEntries } from '../scenario/relay-raw-client.ts'
import { keptKeys } from './removed-member.ts'
import type { World } from './world.ts'

const NO_PROOF = new Uint8Array(0)

export interface FalseCheckpoint {
  /** What it holds; any bytes. */
  readonly update: Uint8Array
  /** Where it says under seal that it stands, if not where the relay is told. */
  readonly sealedSequence?: number
}

/** A member that has the keys, and no provider of ours, makes a checkpoint of the log as it stands; the relay stores it. Resolves with its name. */
export async function storeFalseCheckpoint(
  world: World,
  { update, sealedSequence }: FalseCheckpoint,
): Promise<Uint8Array> {
  const record = (await world.records()).at(-1)
  if (record === undefined) throw new Error('the document has no epoch')
  const keys = await keptKeys(world, record)
  const client = await RawClient.connect(world.relayUrl)
  try {
    const { newest, sequence } = await client.join('room')
    const epochIndex = parseEpochRecord(record).index
    const from = newest ?? { sequence: 0, hash: startHash(recordHash(record)) }
    const hash = (await world.log())
      .filter((entry) => entry.sequence > from.sequence)
      .reduce((before, { envelope }) => nextHash(before, leafHash(NO_PROOF, envelope)), from.hash)
    const sealer = await createSealer(keys, { epochIndex, wire: false })
    const manifest = {
      sequence: sealedSequence ?? sequence,
      hash,
      previous: newest?.checkpoint,
      digest: new Uint8Array(32),
      unixMs: Date.now(),
    }
    const chunks = await sealer.seal(EnvelopeKind.checkpoint, encodeCheckpointBody(manifest, update))
    const leased = await client.lease(record, 'checkpoint')
    const checkpoint = nameOf(chunks)
    client.say({
      type: 'compact',
      channel: 1,
      request: leased.request,
      sequence,
      hash,
      ...(newest && { previous: newest.checkpoint }),
      checkpoint,
      envelopes: toEntries(chunks),
    })
    await client.hears('compacted', ({ request }) => request === leased.request)
    return checkpoint
  } finally {
    client.end()
    keys.forget()
  }
}
