import { hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import type { Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

const NO_PROOF = new Uint8Array(0)
const EPOCHS = 3
const ENTRIES_PER_EPOCH = 4

let relay: Relay
const clients: RawClient[] = []

interface Epoch {
  record: Uint8Array
  chunks: Uint8Array[]
  /** Last sequence before its first entry, and H from there on, first at its start. */
  after: number
  hashes: Uint8Array[]
  envelopes: Uint8Array[]
}

let epochs: Epoch[]
let writer: RawClient

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  return client
}

/** Three epochs of four entries; the second and the third begin with a checkpoint. */
beforeEach(async () => {
  relay = await createRelay({ data: 'memory', port: 0, limits: { catchUpBytes: 300 } })
  writer = await connect()
  await writer.join('room')
  epochs = []
  for (let index = 0; index < EPOCHS; index++) {
    const record = fakeRecord(index)
    const chunks = index === 0 ? [] : fakeCheckpoint(index, 5)
    const previous = epochs.at(-1)
    if (previous) await writer.rotate(record, previous.record, { chunks })
    else await writer.open(record)
    const sealer = new FakeSealer(index)
    const envelopes = Array.from({ length: ENTRIES_PER_EPOCH }, () => new Uint8Array(sealer.seal()))
    for (const envelope of envelopes) await writer.append([envelope])
    const hashes = [startHash(sha256(record))]
    for (const envelope of envelopes) hashes.push(nextHash(hashes.at(-1)!, leafHash(NO_PROOF, envelope)))
    epochs.push({ record, chunks, after: index * ENTRIES_PER_EPOCH, hashes, envelopes })
  }
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await relay.close()
})

/** What a client has heard of the log, in order: each record with its place and H, each entry with its sequence. */
function story(client: RawClient): string[] {
  return client.heard.flatMap((message) => {
    if (message.type === 'record') return [`record ${message.record[3]} after ${message.sequence}`]
    return message.type === 'entries' ? message.entries.map((_, i) => `${message.first + i}`) : []
  })
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`)

/** H runs on within an epoch and begins anew with the next: each message names what comes before it. */
function expectHashes(client: RawClient): void {
  for (const message of client.heard) {
    if (message.type !== 'entries') continue
    const epoch = epochs.findLast(({ after }) => message.first > after)!
    expect(message.hashBefore).toEqual(hashPrefix(epoch.hashes[message.first - 1 - epoch.after]!))
    expect(message.first + message.entries.length - 1 - epoch.after).toBeLessThanOrEqual(ENTRIES_PER_EPOCH)
  }
}

describe('a join over several epochs', () => {
  it('cold: every record, and only the entries of the head epoch', async () => {
    const reader = await connect()
    const joined = await reader.join('room')
    expect(joined).toMatchObject({ sequence: 12, confirmed: true, records: epochs.map(({ record }) => record) })
    expect(await reader.hears('caught-up')).toMatchObject({ sequence: 12, hash: hashPrefix(epochs[2]!.hashes[4]!) })
    expect(story(reader)).toEqual(range(9, 12))
    expectHashes(reader)
  })

  it('warm: from its cursor, each later record in its place', async () => {
    for (const cursor of [0, 2, 4]) {
      const reader = await connect()
      const { record, hashes } = epochs[0]!
      const hash = hashPrefix(hashes[cursor]!)
      const joined = await reader.join('room', { head: sha256(record), cursor, hash })
      expect(joined).toMatchObject({ confirmed: true, records: [epochs[1]!.record, epochs[2]!.record] })
      await reader.hears('caught-up')
      expect(story(reader)).toEqual([
        ...range(cursor + 1, 4),
        'record 1 after 4',
        ...range(5, 8),
        'record 2 after 8',
        ...range(9, 12),
      ])
      expectHashes(reader)
      expect(reader.heard.flatMap((message) => (message.type === 'record' ? [message.hash] : []))).toEqual([
        hashPrefix(epochs[1]!.hashes[0]!),
        hashPrefix(epochs[2]!.hashes[0]!),
      ])
    }
  })

  it('[M6] warm, at the very end of an epoch: it is confirmed with the H of its own epoch and with no other', async () => {
    const first = { head: sha256(epochs[0]!.record), cursor: 4, hash: hashPrefix(epochs[0]!.hashes[4]!) }
    const second = { head: sha256(epochs[1]!.record), cursor: 4, hash: hashPrefix(epochs[1]!.hashes[0]!) }
    for (const [fields, confirmed] of [
      [first, true],
      [second, true],
      [{ ...first, hash: second.hash }, false],
      [{ ...second, hash: first.hash }, false],
      // A cursor that lies in another epoch than the record.
      [{ ...first, cursor: 5, hash: hashPrefix(epochs[1]!.hashes[1]!) }, false],
      [{ ...second, cursor: 3, hash: hashPrefix(epochs[0]!.hashes[3]!) }, false],
    ] as const) {
      const reader = await connect()
      expect(await reader.join('room', fields)).toMatchObject({ confirmed })
    }
  })

  it('an observer reads everything, and each record in its place', async () => {
    const observer = await connect()
    await observer.join('room', { observe: true })
    await observer.hears('caught-up')
    expect(story(observer)).toEqual([
      ...range(1, 4),
      'record 1 after 4',
      ...range(5, 8),
      'record 2 after 8',
      ...range(9, 12),
    ])
    expectHashes(observer)
  })

  it('live: the record of the next epoch comes between the last entry before it and its first', async () => {
    const reader = await connect()
    await reader.join('room')
    await reader.hears('caught-up')
    await writer.rotate(fakeRecord(3), epochs[2]!.record, { envelopes: [new FakeSealer(3).seal()] })
    await reader.hears('entries', ({ first }) => first === 13)
    expect(story(reader)).toEqual([...range(9, 12), 'record 3 after 12', '13'])
  })
})

describe('reading an old epoch', () => {
  it('brings exactly the stretch asked for, and live delivery stays where it is', async () => {
    const reader = await connect()
    await reader.join('room')
    await reader.hears('caught-up')
    for (const [after, to] of [
      [0, 4],
      [1, 3],
      [2, 6],
      [4, 8],
      [8, 8],
    ] as const) {
      const from = reader.heard.length
      const request = reader.request()
      reader.say({ type: 'read', channel: 1, request, after, to })
      const caughtUp = await reader.hears('caught-up', (message) => message.request === request)
      const epoch = epochs.findLast((one) => to > one.after)!
      expect(caughtUp).toMatchObject({ sequence: to, hash: hashPrefix(epoch.hashes[to - epoch.after]!) })
      const got = reader.heard.slice(from).flatMap((message) => (message.type === 'entries' ? message.entries : []))
      const all = epochs.flatMap(({ envelopes }) => envelopes)
      expect(got.map(({ envelope }) => envelope)).toEqual(all.slice(after, to))
    }
    expectHashes(reader)
    await writer.append([new FakeSealer(2).seal()])
    await reader.hears('entries', ({ first }) => first === 13)
  })

  it('beyond the head ends at the head', async () => {
    const reader = await connect()
    await reader.join('room')
    reader.say({ type: 'read', channel: 1, request: 1, after: 10, to: 99 })
    expect(await reader.hears('caught-up', ({ request }) => request === 1)).toMatchObject({ sequence: 12 })
    reader.say({ type: 'read', channel: 1, request: 2, after: 50, to: 99 })
    expect(await reader.hears('caught-up', ({ request }) => request === 2)).toMatchObject({ sequence: 12 })
  })
})

describe('fetching a checkpoint', () => {
  /** What a fetch brings, by place; `last` 0: through the end. */
  async function fetched(
    reader: RawClient,
    checkpoint: Uint8Array,
    first: number,
    last = 0,
  ): Promise<Map<number, Uint8Array>> {
    const request = reader.request()
    reader.say({ type: 'fetch', channel: 1, request, checkpoint, first, last })
    await reader.hears('checkpoint', (part) => {
      return part.request === request && part.first + part.chunks.length > Math.min(last || part.total, part.total)
    })
    // Whatever came too much would come before the pong.
    await reader.pinged()
    expect(reader.heard.some((message) => message.type === 'refused' && message.request === request)).toBe(false)
    const chunks = new Map<number, Uint8Array>()
    for (const part of reader.heard) {
      if (part.type !== 'checkpoint' || part.request !== request) continue
      expect(part.total).toBe(5)
      for (const [i, chunk] of part.chunks.entries()) chunks.set(part.first + i, chunk)
    }
    return chunks
  }

  it.each([1, 2, 5])('from chunk %i to the end, in frames of a few', async (first) => {
    const reader = await connect()
    await reader.join('room')
    for (const { chunks } of epochs.slice(1)) {
      const expected = chunks.map((chunk, i) => [i + 1, chunk] as const).slice(first - 1)
      expect([...(await fetched(reader, nameOf(chunks), first))]).toEqual(expected)
    }
    expect(reader.heard.filter(({ type }) => type === 'checkpoint').length).toBeGreaterThanOrEqual(first === 1 ? 4 : 2)
  })

  it.each([
    [1, 1],
    [2, 2],
    [1, 4],
    [3, 5],
    [4, 1_024],
  ])('from chunk %i through chunk %i and not one more', async (first, last) => {
    const reader = await connect()
    await reader.join('room')
    for (const { chunks } of epochs.slice(1)) {
      const expected = chunks.map((chunk, i) => [i + 1, chunk] as const).slice(first - 1, last)
      expect([...(await fetched(reader, nameOf(chunks), first, last))]).toEqual(expected)
    }
  })

  it('is unknown for a record, for no checkpoint of the room, and behind the last chunk', async () => {
    const reader = await connect()
    await reader.join('room')
    for (const [checkpoint, first] of [
      [sha256(epochs[1]!.record), 1],
      [nameOf(fakeCheckpoint(1, 5)), 1],
      [nameOf(epochs[1]!.chunks), 6],
    ] as const) {
      const request = reader.request()
      reader.say({ type: 'fetch', channel: 1, request, checkpoint, first, last: 0 })
      expect(await reader.hears('refused', (refused) => refused.request === request)).toMatchObject({ code: 'unknown' })
    }
  })

  it('too many at once: the last are refused, the first are answered', async () => {
    const reader = await connect()
    await reader.join('room')
    const requests = Array.from({ length: 40 }, () => reader.request())
    const checkpoint = nameOf(epochs[1]!.chunks)
    reader.say(
      ...requests.map((request) => ({ type: 'fetch' as const, channel: 1, request, checkpoint, first: 1, last: 0 })),
    )
    await reader.hears('checkpoint', ({ request, first }) => request === requests[0] && first > 1)
    expect(await reader.hears('refused', ({ request }) => request === requests.at(-1))).toMatchObject({ code: 'limit' })
  })
})

describe('asking which checkpoints of an epoch are kept', () => {
  it('names the one that it began with: the start of the epoch is its place', async () => {
    const reader = await connect()
    await reader.join('room')
    for (const { record, chunks, after, hashes } of epochs) {
      const request = reader.request()
      reader.say({ type: 'checkpoints', channel: 1, request, record: sha256(record) })
      const bytes = Buffer.concat(chunks).length
      const first = { checkpoint: nameOf(chunks), sequence: after, hash: hashes[0]!, bytes }
      const { places } = await reader.hears('checkpoints', (answer) => answer.request === request)
      expect(places).toEqual(chunks.length > 0 ? [first] : [])
    }
  })

  it('of no epoch of the room is unknown', async () => {
    const reader = await connect()
    await reader.join('room')
    reader.say({ type: 'checkpoints', channel: 1, request: 1, record: sha256(fakeRecord()) })
    expect(await reader.hears('refused')).toMatchObject({ request: 1, code: 'unknown' })
  })
})

describe('more records than one message holds', () => {
  it('come as `records` before `joined`, oldest first, none of them twice', async () => {
    // Records of the largest size: 100 of them are 400 KiB.
    const records = Array.from({ length: 100 }, (_, i) => {
      const record = new Uint8Array(4_096).fill(i + 1)
      record.set([1, 1, 0, i])
      return record
    })
    const rotator = await connect()
    await rotator.join('many')
    await rotator.open(records[0]!)
    for (let i = 1; i < records.length; i++) await rotator.rotate(records[i]!, records[i - 1]!)
    const reader = await connect()
    await reader.join('many')
    const pages = reader.heard.flatMap((message) =>
      message.type === 'records' || message.type === 'joined' ? [{ type: message.type, records: message.records }] : [],
    )
    expect(pages.map(({ type }) => type)).toEqual(['records', 'joined'])
    expect(pages.flatMap((page) => page.records).map((record) => record[3])).toEqual(records.map((record) => record[3]))
  })
})
