import {
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  parseDocumentKey,
  parseEpochRecord,
  recordHash,
} from '@y-sealed/envelope'
import { hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import type { StoredEntry } from 'y-sealed/observe'
import * as Y from 'yjs'
import { untilText } from './events.ts'
import type { FakeClock } from './fake-clock.ts'
import { adaAndBob, channelOf } from './two-faced-relay.ts'
import type { Person, World } from './world.ts'

const NO_PROOF = new Uint8Array(0)

/** The keys of an epoch, as anybody has them who was a member at its time and has kept them. */
export async function keptKeys(world: World, record: Uint8Array, room = 'room'): Promise<EpochKeys> {
  const parsed = parseEpochRecord(record)
  const answer = await world.keys({ documentId: room, keyHint: parsed.keyHint })
  // What our own endpoint answers has a key.
  const { key } = answer as { key: string }
  return deriveEpochKeys(parseDocumentKey(key), { ...parsed, documentId: room })
}

/** H (32 bytes) behind these entries of the epoch of `record`. */
export function hashAfter(record: Uint8Array, entries: readonly StoredEntry[]): Uint8Array {
  return entries.reduce(
    (before, { envelope }) => nextHash(before, leafHash(NO_PROOF, envelope)),
    startHash(recordHash(record)),
  )
}

/** An entry that was never appended, in all else like one: words of a client of its own, sealed with the keys of the epoch. */
export async function forgedEntry(
  keys: EpochKeys,
  record: Uint8Array,
  log: readonly StoredEntry[],
  words: string,
): Promise<{ hashBefore: Uint8Array; entry: { proof: Uint8Array; envelope: Uint8Array } }> {
  const doc = new Y.Doc()
  doc.getText('forged').insert(0, words)
  const hash = hashAfter(record, log)
  const sealer = await createSealer(keys, { epochIndex: parseEpochRecord(record).index })
  const birth = { sequence: log.at(-1)?.sequence ?? 0, hash }
  const [envelope] = await sealer.seal(EnvelopeKind.update, Y.encodeStateAsUpdate(doc), { birth })
  doc.destroy()
  if (envelope === undefined) throw new Error('an update seals to one envelope at least')
  return { hashBefore: hashPrefix(hash), entry: { proof: NO_PROOF, envelope } }
}

/** Bob alone is shown an entry behind what Ada and he have; it is of epoch 0, and nobody else ever sees it. */
export async function shownForgery(
  world: World,
  clock: FakeClock,
  ...expects: string[]
): Promise<{ ada: Person; bob: Person }> {
  const { ada, bob } = await adaAndBob(world, clock, ...expects)
  const [record] = await world.records()
  if (record === undefined) throw new Error('there is an epoch')
  const forgery = await forgedEntry(await keptKeys(world, record), record, await world.log(), 'laundered')
  bob.wire.openSockets[0]?.deliver([
    { type: 'entries', channel: channelOf(bob), first: 2, hashBefore: forgery.hashBefore, entries: [forgery.entry] },
  ])
  await untilText(bob.doc, 'laundered', 'forged')
  return { ada, bob }
}
