import { leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import type { Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRelay, onNodes } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient, sha256, toEntries } from './relay-raw-client.ts'

const NO_PROOF = new Uint8Array(0)

let relay: Relay
let alice: RawClient
let bob: RawClient
let sealer: FakeSealer
const record = fakeRecord()
const clients: RawClient[] = []

async function enter(room = 'room'): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  await client.join(room)
  return client
}

/** How many entries the log has, by the word of one who joins now. */
async function logLength(room = 'room'): Promise<number> {
  const reader = await enter(room)
  return (await reader.hears('caught-up')).sequence
}

beforeEach(async () => {
  relay = await createRelay({ data: 'memory', port: 0 })
  alice = await enter()
  bob = await enter()
  sealer = new FakeSealer()
  await alice.open(record)
  await bob.hears('record')
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await relay.close()
})

describe('an append is stored whole or not at all', () => {
  it('one bad counter among good ones stores none of them', async () => {
    const envelopes = [sealer.seal(), sealer.seal(), sealer.seal(64, EnvelopeKind.update, 4)]
    expect(await alice.append(envelopes)).toMatchObject({ type: 'refused', code: 'out-of-order' })
    expect(await logLength()).toBe(0)
  })

  it('one envelope of another epoch among good ones stores none of them', async () => {
    expect(await alice.append([sealer.seal(), new FakeSealer(1).seal()])).toMatchObject({ code: 'stale-epoch', record })
    expect(await logLength()).toBe(0)
  })

  it.each([EnvelopeKind.checkpoint, EnvelopeKind.awareness, EnvelopeKind.local, EnvelopeKind.crossTab])(
    'kind %i is no entry of a log',
    async (kind) => {
      expect(await alice.append([sealer.seal(), sealer.seal(64, kind)])).toMatchObject({ code: 'malformed' })
      expect(await logLength()).toBe(0)
    },
  )

  it('a witness shares the counters of updates', async () => {
    const answer = await alice.append([sealer.seal(), sealer.seal(64, EnvelopeKind.witness), sealer.seal()])
    expect(answer).toMatchObject({ type: 'ack', sequence: 3, count: 3 })
  })

  it('bytes that have no envelope header, and an append of nothing, are malformed', async () => {
    expect(await alice.append([Uint8Array.of(1, 2, 3)])).toMatchObject({ code: 'malformed' })
    expect(await alice.append([Uint8Array.of(0x21, ...new Uint8Array(60))])).toMatchObject({ code: 'malformed' })
    expect(await alice.append([])).toMatchObject({ code: 'malformed' })
  })

  it('counters follow on; a repeat, a gap and a new start of the same salt are out of order', async () => {
    await alice.append([sealer.seal()])
    for (const counter of [1, 3]) {
      const answer = await alice.append([sealer.seal(64, EnvelopeKind.update, counter)])
      expect(answer).toMatchObject({ code: 'out-of-order' })
    }
    expect(await alice.append([sealer.seal()])).toMatchObject({ type: 'ack', sequence: 2 })
  })

  it('after a refusal nothing that counts on it is stored (M1)', async () => {
    const [lost, next] = [sealer.seal(64, EnvelopeKind.checkpoint, 1), sealer.seal(64, EnvelopeKind.update, 2)]
    const requests = [alice.request(), alice.request()]
    alice.say(
      { type: 'append', channel: 1, request: requests[0]!, envelopes: toEntries([lost]) },
      { type: 'append', channel: 1, request: requests[1]!, envelopes: toEntries([next]) },
    )
    expect(await alice.answer(requests[1]!)).toMatchObject({ code: 'out-of-order' })
    expect(await logLength()).toBe(0)
  })

  it('nobody can go on under the salt of another, nor of an earlier session of its own', async () => {
    await alice.append([sealer.seal()])
    expect(await bob.append([sealer.seal()])).toMatchObject({ code: 'out-of-order' })
    const again = await enter()
    expect(await again.append([sealer.seal(64, EnvelopeKind.update, 2)])).toMatchObject({ code: 'out-of-order' })
  })

  it('the same envelope appended by another session is refused, not stored twice', async () => {
    const envelope = sealer.seal()
    await alice.append([envelope])
    expect(await bob.append([envelope])).toMatchObject({ code: 'out-of-order' })
    expect(await logLength()).toBe(1)
  })

  it('too many requests at once: the last are refused, the first are stored in order', async () => {
    const requests = Array.from({ length: 8 }, () => alice.request())
    alice.say(
      ...requests.map((request) => ({
        type: 'append' as const,
        channel: 1,
        request,
        envelopes: toEntries([sealer.seal()]),
      })),
    )
    const answers = await Promise.all(requests.map((request) => alice.answer(request)))
    expect(answers.map((answer) => (answer.type === 'ack' ? answer.sequence : answer.code))).toEqual([
      ...[1, 2, 3, 4, 5],
      ...['limit', 'limit', 'limit'],
    ])
    // Had a later one been stored, there would be a hole for ever.
    expect(await alice.append([sealer.seal()])).toMatchObject({ code: 'out-of-order' })
  })

  it('each ack names the hash that its entries lead to, whoever appended in between', async () => {
    const other = new FakeSealer()
    const envelopes = [sealer.seal(), other.seal(), sealer.seal()]
    const acks = [
      await alice.append([envelopes[0]!]),
      await bob.append([envelopes[1]!]),
      await alice.append([envelopes[2]!]),
    ]
    const reader = await enter()
    await reader.hears('caught-up')
    const entries = await reader.hears('entries')
    expect(entries.entries.map(({ envelope }) => Buffer.from(envelope))).toEqual(envelopes.map((e) => Buffer.from(e)))
    let hash = startHash(sha256(record))
    for (const [i, envelope] of envelopes.entries()) {
      hash = nextHash(hash, leafHash(NO_PROOF, envelope))
      expect(acks[i]).toMatchObject({ sequence: i + 1, hash: hash.slice(0, 8) })
    }
  })
})

describe('a request larger than a frame is staged', () => {
  const MEGABYTE_OF_PARTS = 4
  const PART_BYTES = 255 * 1024

  const parts = () => Array.from({ length: MEGABYTE_OF_PARTS }, () => sealer.seal(PART_BYTES))

  async function stage(client: RawClient, request: number, envelopes: Uint8Array[]): Promise<void> {
    const from = client.heard.length
    client.say({ type: 'stage', channel: 1, request, envelopes: toEntries(envelopes) })
    await client.hears('staged', (staged) => staged.request === request, from)
  }

  it('nothing of it is stored or seen before its append, all of it after', async () => {
    const request = alice.request()
    await stage(alice, request, parts())
    await stage(alice, request, parts())
    expect(await logLength()).toBe(0)
    alice.say({ type: 'append', channel: 1, request, envelopes: toEntries(parts()) })
    expect(await alice.answer(request)).toMatchObject({ type: 'ack', sequence: 12, count: 12 })
    await bob.hears('entries', ({ first, entries }) => first + entries.length > 12)
    expect([...bob.received().keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('an append that adds nothing commits what is staged', async () => {
    const request = alice.request()
    await stage(alice, request, parts())
    alice.say({ type: 'append', channel: 1, request, envelopes: [] })
    expect(await alice.answer(request)).toMatchObject({ type: 'ack', count: 4 })
  })

  it('another request drops it', async () => {
    await stage(alice, alice.request(), parts())
    expect(await alice.append([new FakeSealer().seal()])).toMatchObject({ type: 'ack', sequence: 1 })
  })

  it('one that leaves takes what it has staged along', async () => {
    await stage(alice, alice.request(), parts())
    alice.say({ type: 'leave', channel: 1 })
    await alice.pinged()
    expect(await logLength()).toBe(0)
  })

  it('beyond the limit of a request it is refused and dropped', async () => {
    await relay.close()
    relay = await createRelay({ data: 'memory', port: 0, limits: { maxAppendBytes: 1_500_000 } })
    alice = await enter()
    await alice.open(record)
    const request = alice.request()
    await stage(alice, request, parts())
    alice.say({ type: 'stage', channel: 1, request, envelopes: toEntries(parts()) })
    expect(await alice.answer(request)).toMatchObject({ code: 'limit' })
    alice.say({ type: 'append', channel: 1, request, envelopes: [] })
    await alice.hears('refused', ({ code }) => code === 'malformed')
    expect(await logLength()).toBe(0)
  })

  // A limit of one process; nodes hold as much each.
  it.skipIf(onNodes())(
    'beyond what all sessions may hold it is refused, and accepted again once that is free',
    async () => {
      await relay.close()
      relay = await createRelay({ data: 'memory', port: 0, limits: { maxHeldBytes: 1_500_000 } })
      alice = await enter()
      bob = await enter()
      await alice.open(record)
      await stage(alice, alice.request(), parts())
      sealer = new FakeSealer()
      const large = parts()
      expect(await bob.append(large)).toMatchObject({ code: 'limit' })
      alice.say({ type: 'leave', channel: 1 })
      await alice.pinged()
      expect(await bob.append(large)).toMatchObject({ type: 'ack' })
    },
  )

  it('what still waits when its client leaves is its last words: stored, and nothing is held afterwards', async () => {
    await relay.close()
    relay = await createRelay({ data: 'memory', port: 0, limits: { maxHeldBytes: 1_500_000 } })
    alice = await enter()
    bob = await enter()
    await alice.open(record)
    // One frame: the append is under way, the others wait for it while the channel ends.
    alice.say(
      { type: 'append', channel: 1, request: 91, envelopes: toEntries([new FakeSealer().seal()]) },
      { type: 'append', channel: 1, request: 92, envelopes: toEntries([new FakeSealer().seal()]) },
      { type: 'stage', channel: 1, request: 93, envelopes: toEntries(parts()) },
      { type: 'leave', channel: 1 },
    )
    await bob.hears('entries', ({ first, entries }) => first + entries.length > 2)
    await alice.pinged()
    expect(await logLength()).toBe(2)
    sealer = new FakeSealer()
    expect(await bob.append(parts())).toMatchObject({ type: 'ack' })
  })

  it('what it still wanted to read is not answered to whoever has the number of its channel next', async () => {
    await bob.append([new FakeSealer().seal()])
    const from = alice.heard.length
    // One frame: the read waits for the append, and the channel ends meanwhile.
    alice.say(
      { type: 'append', channel: 1, request: 91, envelopes: toEntries([new FakeSealer().seal()]) },
      { type: 'read', channel: 1, request: 92, after: 0, to: 1 },
      { type: 'leave', channel: 1 },
    )
    await alice.join('another room')
    await bob.hears('entries', ({ first, entries }) => first + entries.length > 2)
    await alice.pinged()
    expect(alice.heard.slice(from).filter((each) => 'request' in each && each.request === 92)).toEqual([])
  })
})

describe('opening an epoch', () => {
  it('of two that open the first one wins; the other gets its record and stores nothing', async () => {
    const [a, b] = [await enter('new'), await enter('new')]
    const [first, second] = [fakeRecord(), fakeRecord()]
    const answers = await Promise.all([a.open(first, [sealer.seal()]), b.open(second, [new FakeSealer().seal()])])
    const winner = answers.find(({ type }) => type === 'opened')
    const loser = answers.find(({ type }) => type === 'refused')
    const record = answers[0]?.type === 'opened' ? first : second
    expect(winner).toMatchObject({ sequence: 1 })
    expect(loser).toMatchObject({ code: 'stale-epoch', record })
    expect(await logLength('new')).toBe(1)
  })

  it('the old epoch ends with the new one, and everybody hears of it in its place in the log', async () => {
    await alice.append([sealer.seal()])
    const next = fakeRecord(1)
    expect(await alice.rotate(next, record, { envelopes: [new FakeSealer(1).seal()] })).toMatchObject({ sequence: 2 })
    expect(await alice.append([sealer.seal()])).toMatchObject({ code: 'stale-epoch', record: next })
    await bob.hears('entries', ({ first }) => first === 2)
    const order = bob.heard.flatMap((message) => {
      if (message.type === 'record') return [`record ${message.record[3]} after ${message.sequence}`]
      return message.type === 'entries' ? [`entry ${message.first}`] : []
    })
    expect(order).toEqual(['record 0 after 0', 'entry 1', 'record 1 after 1', 'entry 2'])
    expect(alice.heard.filter(({ type }) => type === 'record')).toEqual([])
  })

  it('an entry of another epoch than the record, or what is no record, is malformed', async () => {
    const fresh = await enter('new')
    expect(await fresh.open(fakeRecord(), [new FakeSealer(1).seal()])).toMatchObject({ code: 'malformed' })
    expect(await fresh.open(Uint8Array.of(1, 1))).toMatchObject({ code: 'malformed' })
    expect(await logLength('new')).toBe(0)
  })
})
