import { parseEpochRecord, recordHash } from '@y-sealed/envelope'
import {
  type Down,
  type Entry,
  hashPrefix,
  leafHash,
  nextHash,
  type RefusalCode,
  refusalCodes,
  startHash,
} from '@y-sealed/protocol'
import { EnvelopeKind, encodeHeader, encodeVarint } from '@y-sealed/protocol/header'
import { below, pick, randomBytes } from './random.ts'
import { saidBy } from './rotation-steps.ts'
import type { Person, World } from './world.ts'

/** What a relay knows, and needs for a lie that fits: everything but keys. */
export interface RelayKnowledge {
  readonly channel: number
  /** The number of the client's newest request. */
  readonly request: number
  readonly record: Uint8Array
  readonly sequence: number
  /** H there, 32 bytes. */
  readonly hash: Uint8Array
}

const NO_PROOF = new Uint8Array(0)

/** Where the relay speaks to somebody now, and the number of what they asked last. */
export function placeOf(person: Person): Pick<RelayKnowledge, 'channel' | 'request'> {
  const said = saidBy(person)
  const join = said.findLast(({ type }) => type === 'join')
  const request = said.findLast((message) => 'request' in message)
  return {
    channel: join !== undefined && 'channel' in join ? join.channel : 0,
    request: request !== undefined && 'request' in request ? request.request : 1,
  }
}

/** The record, the last sequence and H of a room in its first epoch. */
export async function headOf(world: World): Promise<Omit<RelayKnowledge, 'channel' | 'request'>> {
  const [record] = await world.records()
  if (record === undefined) throw new Error('there is no epoch')
  const log = await world.log()
  const hash = log.reduce(
    (before, { envelope }) => nextHash(before, leafHash(NO_PROOF, envelope)),
    startHash(recordHash(record)),
  )
  return { record, sequence: log.at(-1)?.sequence ?? 0, hash }
}

/** Epoch after `previous`, as somebody without a key can make it: everything fits but the tags. */
export function forgedRecord(
  random: () => number,
  previous: Uint8Array,
  changes: { keyHint?: string; index?: number; sequence?: number; hash?: Uint8Array; endpointEpoch?: number } = {},
): Uint8Array {
  const parsed = parseEpochRecord(previous)
  const { keyHint = `hint-${below(random, 1_000_000)}`, index = parsed.index + 1, endpointEpoch } = changes
  const hint = Buffer.from(keyHint)
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(1, 1, 0),
      encodeVarint(index),
      encodeVarint(endpointEpoch === undefined ? 0 : endpointEpoch + 1),
      Uint8Array.of(hint.length >> 8, hint.length & 0xff),
      hint,
      randomBytes(random, 16),
      Uint8Array.of(0, 0),
      randomBytes(random, 32),
      recordHash(previous),
      encodeVarint(changes.sequence ?? 0),
      changes.hash ?? new Uint8Array(32),
      // No checkpoint before, none to begin with.
      new Uint8Array(64),
      randomBytes(random, 64),
    ]),
  )
}

/** What has the form of an envelope, and is noise. */
export function forgedEnvelope(
  random: () => number,
  epochIndex = 0,
  kind: EnvelopeKind = EnvelopeKind.update,
): Uint8Array {
  const header = encodeHeader({ kind, epochIndex, salt: randomBytes(random, 16), counter: 1 + below(random, 3) })
  return new Uint8Array(Buffer.concat([header, randomBytes(random, 40 + below(random, 60))]))
}

/** One lie, of all that fit a moment: with the right channel, request, sequence and H. */
export function someLie(random: () => number, known: RelayKnowledge): Down[] {
  // What ends a session is told seldom: the other lies need one.
  return pick(random, below(random, 8) === 0 ? FAREWELLS : LIES)(random, known)
}

type Lie = (random: () => number, known: RelayKnowledge) => Down[]

const LIES: readonly Lie[] = [
  function refuses(random, { channel, request, record, sequence, hash }) {
    const code: RefusalCode = pick(random, refusalCodes)
    const shown = pick(random, [{}, { record }, { record: forgedRecord(random, record, { sequence, hash }) }])
    return [{ type: 'refused', channel, request, code, detail: 'a lie', ...shown }]
  },
  function acks(random, { channel, request, sequence, hash }) {
    const last = Math.max(1, sequence + pick(random, [-1, 0, 1, 2, 1_000]))
    return [{ type: 'ack', channel, request, sequence: last, count: 1, hash: hashPrefix(hash) }]
  },
  function catchesUp(random, { channel, request, sequence, hash }) {
    const at = pick(random, [0, sequence, sequence + 1, 2 ** 48])
    return [{ type: 'caught-up', channel, request: pick(random, [0, request]), sequence: at, hash: hashPrefix(hash) }]
  },
  function beats(random, { channel, sequence, hash }) {
    const shown = pick(random, [hashPrefix(hash), randomBytes(random, 8), new Uint8Array(0)])
    return [
      { type: 'heartbeat', channel, sequence: pick(random, [0, sequence, sequence + 1, 2 ** 53 - 1]), hash: shown },
    ]
  },
  function adds(random, { channel, sequence, hash }) {
    const entries = Array.from({ length: pick(random, [1, 2, 60]) }, (): Entry => {
      return { proof: NO_PROOF, envelope: forgedEnvelope(random, pick(random, [0, 0, 1])) }
    })
    const first = sequence + pick(random, [1, 1, 1, 2, 50])
    return [{ type: 'entries', channel, first, hashBefore: hashPrefix(hash), entries }]
  },
  function opensAnEpoch(random, { channel, record, sequence, hash }) {
    const forged = forgedRecord(random, record, { sequence: pick(random, [sequence, 0, 2 ** 48]), hash })
    return [{ type: 'record', channel, record: forged, sequence, hash: hashPrefix(startHash(recordHash(forged))) }]
  },
  function showsAnotherBeginning(random, { channel, record }) {
    const forged = forgedRecord(random, record, { index: 7 })
    return [{ type: 'records', channel, records: [forged] }]
  },
  function joinsAgain(random, { channel, record, sequence, hash }) {
    const records = pick(random, [[], [record], [forgedRecord(random, record, { sequence, hash })]])
    return [
      {
        type: 'joined',
        channel,
        session: 7,
        role: pick(random, ['read', 'write']),
        sequence: pick(random, [0, sequence]),
        hash: pick(random, [hashPrefix(hash), new Uint8Array(0)]),
        confirmed: pick(random, [true, false]),
        pruned: pick(random, [0, 0, sequence]),
        records,
      },
    ]
  },
  function answersWhatNobodyAsked(random, { channel, request, record, sequence, hash }) {
    const place = { checkpoint: randomBytes(random, 32), sequence, hash, bytes: 100 }
    return [
      pick<Down>(random, [
        { type: 'staged', channel, request },
        { type: 'leased', channel, request, leaseMs: 1 },
        { type: 'released', channel, request },
        { type: 'paused', channel, request, sequence, hash },
        { type: 'opened', channel, request, record: forgedRecord(random, record), sequence, hash: hashPrefix(hash) },
        { type: 'compacted', channel, request: pick(random, [0, request]), place, named: true },
        { type: 'checkpoint', channel, request, first: 1, total: 1, chunks: [forgedEnvelope(random, 0, 2)] },
        { type: 'checkpoints', channel, request, places: [place] },
      ]),
    ]
  },
  function nudges(_, { channel }) {
    return [{ type: 'recheck', channel }]
  },
  function showsSomebody(random, { channel }) {
    const session = below(random, 5)
    const envelope = forgedEnvelope(random, 0, EnvelopeKind.awareness)
    return [
      pick<Down>(random, [
        { type: 'awareness', channel, session, envelope },
        { type: 'left', channel, session },
      ]),
    ]
  },
]

const FAREWELLS: readonly Lie[] = [
  function endsIt(random, { channel }) {
    const code = pick(random, [1013, 4400, 4401, 4403, 4404, 4408, 4413, 4426, 4450, 4500, 4503, 4999])
    return [{ type: 'closed', channel, code, reason: 'a lie' }]
  },
  function greetsAgain(random) {
    const limits = { maxFrameEnvelopeBytes: 262_656, maxAppendBytes: 262_656, maxChannels: 1 }
    return [
      pick<Down>(random, [
        { type: 'welcome', version: 1, limits },
        { type: 'welcome', version: 2, limits },
        { type: 'incompatible', minVersion: 1, maxVersion: 1 },
      ]),
    ]
  },
]
