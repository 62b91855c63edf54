import {
  checkpointHash,
  chunkHash,
  type Down,
  hashPrefix,
  leafHash,
  nextHash,
  type Place,
  startHash,
} from '@y-sealed/protocol'
import { fakeRecord, RawClient, sha256 } from '../scenario/relay-raw-client.ts'
import { sameBytes } from './target.ts'

/** A relay that says nothing for so long says nothing any more. */
const PATIENCE_MS = 20_000

/** A room as a member reads it who believes nothing that does not fit together. */
export interface ReadRoom {
  /** Everything that the relay has said fits: H before and after each entry, records, the checkpoint's name. */
  readonly fits: boolean
  readonly records: readonly Uint8Array[]
  readonly entries: readonly Uint8Array[]
  readonly sequence: number
  /** H there, 32 bytes, by the reader's own reckoning. */
  readonly hash: Uint8Array
}

/** The whole log of a room; or how the relay refused it. */
export async function readRoom(url: string, room: string): Promise<ReadRoom | string> {
  const client = await within(RawClient.connect(url), 'a greeting')
  try {
    client.say({
      type: 'join',
      channel: 1,
      room,
      token: '',
      params: {},
      cursor: 0,
      hash: new Uint8Array(0),
      observe: true,
    })
    const ended = await within(firstOf(client, ['caught-up', 'closed', 'refused']), `the log of ${room}`)
    if (ended === undefined) return `closed ${client.close?.code}`
    if (ended.type === 'closed') return `closed ${ended.code}`
    if (ended.type === 'refused') return `refused ${ended.code}`
    const read = fitTogether(client.heard)
    const newest = client.heard.flatMap((each) => (each.type === 'joined' && each.newest ? [each.newest] : []))[0]
    const isNamed = newest === undefined || (await hasCheckpoint(client, newest))
    return { ...read, fits: read.fits && isNamed }
  } finally {
    client.end()
  }
}

/** The first message of one of these types; undefined if the connection ends without. */
export function firstOf(client: RawClient, types: readonly Down['type'][], from = 0): Promise<Down | undefined> {
  return Promise.race(types.map((type) => client.hears(type, () => true, from))).catch(() => undefined)
}

export function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer: ${what}`)), PATIENCE_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Looks like the record of an epoch that follows this log, as far as a reader without keys can tell. */
export function recordAfter({ hash }: ReadRoom): Uint8Array {
  return new Uint8Array(Buffer.concat([fakeRecord(1).subarray(0, -32), hash]))
}

function fitTogether(heard: readonly Down[]): ReadRoom {
  let hash: Uint8Array = new Uint8Array(32)
  let fits = true
  const entries: Uint8Array[] = []
  const records: Uint8Array[] = []
  let sequence = 0
  const begin = (record: Uint8Array): void => {
    // A true one names H at the end of the epoch before; so does what `recordAfter` makes.
    if (records.length > 0) fits &&= sameBytes(record.subarray(-32), hash)
    records.push(record)
    hash = startHash(sha256(record))
  }
  for (const message of heard) {
    if (message.type === 'joined' && message.records[0] !== undefined) begin(message.records[0])
    else if (message.type === 'record') {
      if (!records.some((each) => sameBytes(each, message.record))) begin(message.record)
      fits &&= sameBytes(message.hash, hashPrefix(hash)) && message.sequence === sequence
    } else if (message.type === 'entries') {
      fits &&= sameBytes(message.hashBefore, hashPrefix(hash)) && message.first === sequence + 1
      for (const { proof, envelope } of message.entries) {
        hash = nextHash(hash, leafHash(proof, envelope))
        entries.push(envelope)
        sequence++
      }
    } else if (message.type === 'caught-up') {
      const isNothing = records.length === 0 && message.hash.length === 0
      fits &&= message.sequence === sequence && (isNothing || sameBytes(message.hash, hashPrefix(hash)))
      break
    }
  }
  return { fits, records, entries, sequence, hash }
}

async function hasCheckpoint(client: RawClient, { checkpoint }: Place): Promise<boolean> {
  const chunks: Uint8Array[] = []
  const from = client.heard.length
  client.say({ type: 'fetch', channel: 1, request: 1, checkpoint, first: 1, last: 0 })
  for (;;) {
    const answer = await within(
      firstOf(client, ['checkpoint', 'refused', 'closed'], from + chunks.length),
      'a checkpoint',
    )
    if (answer?.type !== 'checkpoint') return false
    chunks.push(...answer.chunks)
    if (chunks.length >= answer.total) return sameBytes(checkpointHash(chunks.map(chunkHash)), checkpoint)
  }
}
