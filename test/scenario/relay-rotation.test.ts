import { startHash } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import type { Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

const SECOND_MS = 1_000

let relay: Relay
let clock: FakeClock
let alice: RawClient
let bob: RawClient
let sealer: FakeSealer
const record = fakeRecord()
const next = fakeRecord(1)
const clients: RawClient[] = []

async function enter(room = 'room'): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  await client.join(room)
  return client
}

/** Leases for a rotation and returns the lease's number. */
async function leased(client: RawClient, head = record): Promise<number> {
  const answer = await client.lease(head)
  if (answer.type !== 'leased') throw new Error(`refused: ${answer.code}`)
  return answer.request
}

async function paused(client: RawClient) {
  const answer = await client.pause()
  if (answer.type !== 'paused') throw new Error(`refused: ${answer.code}`)
  return answer
}

beforeEach(async () => {
  clock = new FakeClock()
  relay = await createRelay({ data: 'memory', port: 0, clock })
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

describe('the lease of a document', () => {
  it('has one holder; others are told that it is busy', async () => {
    expect(await alice.lease(record)).toMatchObject({ type: 'leased', leaseMs: 60_000 })
    expect(await bob.lease(record)).toMatchObject({ type: 'refused', code: 'busy' })
    expect(await bob.lease(record, 'checkpoint')).toMatchObject({ code: 'busy' })
  })

  it('that names another head is answered with the head: what it was for is done', async () => {
    await alice.rotate(next, record)
    expect(await bob.lease(record)).toMatchObject({ code: 'stale-epoch', record: next })
    expect(await bob.lease(next)).toMatchObject({ type: 'leased' })
  })

  it('is given back by release', async () => {
    await alice.lease(record)
    expect(await alice.release()).toMatchObject({ type: 'released' })
    expect(await bob.lease(record)).toMatchObject({ type: 'leased' })
  })

  it.each(['leave', 'cut'])('ends with the session of its holder: %s', async (end) => {
    await alice.lease(record)
    if (end === 'leave') {
      alice.say({ type: 'leave', channel: 1 })
      await alice.pinged()
    } else {
      alice.end()
      await alice.closed
    }
    let answer = await bob.lease(record)
    while (answer.type === 'refused') answer = await bob.lease(record)
    expect(answer.type).toBe('leased')
  })

  it('runs out when nothing comes from its holder, and what was staged is gone', async () => {
    const lease = await leased(alice)
    const chunks = fakeCheckpoint(1, 2)
    await alice.stage(lease, chunks)
    // Bytes are looked at every 15 s: those of the stage are seen then, and a minute of silence is counted from there.
    await clock.advance(95 * SECOND_MS)
    expect(await bob.lease(record)).toMatchObject({ type: 'leased' })
    await bob.release()
    expect(await alice.stage(lease, [new FakeSealer(1).seal(64, EnvelopeKind.checkpoint, 3)])).toMatchObject({
      code: 'busy',
    })
    const head = { sequence: 0, hash: startHash(sha256(record)) }
    const opened = await alice.replace(lease, next, record, head)
    expect(opened).toMatchObject({ type: 'refused', code: 'busy' })
  })

  it('is not kept by answers to pings, which a frozen tab gives too', async () => {
    await alice.lease(record)
    for (let passed = 0; passed < 90; passed += 5) await clock.advance(5 * SECOND_MS)
    expect(alice.close).toBeUndefined()
    expect(await bob.lease(record)).toMatchObject({ type: 'leased' })
  })

  it('lasts while bytes come, whatever they say', async () => {
    await alice.lease(record)
    for (let minute = 0; minute < 5; minute++) {
      await alice.pinged()
      await clock.advance(55 * SECOND_MS)
    }
    expect(await bob.lease(record)).toMatchObject({ code: 'busy' })
  })

  it('is for who may write, and so is a pause', async () => {
    const observer = await RawClient.connect(relay.url)
    clients.push(observer)
    await observer.join('room', { observe: true })
    expect(await observer.lease(record)).toMatchObject({ code: 'write-denied' })
    expect(await observer.pause()).toMatchObject({ code: 'write-denied' })
  })
})

describe('the pause before an epoch opens', () => {
  it("[M3] names a head that has everything read before it, and no more comes, not even the holder's", async () => {
    await leased(alice)
    const acks = [bob.append([sealer.seal()]), bob.append([sealer.seal()])]
    const { sequence, hash } = await paused(alice)
    const answers = await Promise.all(acks)
    const stored = answers.filter(({ type }) => type === 'ack')
    expect(sequence).toBe(stored.length)
    expect(await alice.append([new FakeSealer().seal()])).toMatchObject({ code: 'paused' })
    expect(await bob.append([new FakeSealer().seal()])).toMatchObject({ code: 'paused' })
    const reader = await enter()
    expect(await reader.hears('caught-up')).toMatchObject({ sequence, hash: hash.slice(0, 8) })
  })

  it('[M1] lasts 5 s at most, and costs nobody a counter', async () => {
    await leased(alice)
    await paused(alice)
    const envelope = sealer.seal()
    expect(await bob.append([envelope])).toMatchObject({ code: 'paused' })
    await clock.advance(5 * SECOND_MS)
    expect(await bob.append([envelope])).toMatchObject({ type: 'ack', sequence: 1 })
    // The rotator cannot open over what has come since, and waits 30 s before it stops the others again.
    expect(await alice.pause()).toMatchObject({ code: 'limit' })
    await alice.pinged()
    await clock.advance(30 * SECOND_MS)
    expect(await alice.pause()).toMatchObject({ type: 'paused', sequence: 1 })
  })

  it('is all that a rotator that vanishes costs', async () => {
    const lease = await leased(alice)
    await alice.stage(lease, fakeCheckpoint(1, 3))
    await paused(alice)
    alice.end()
    await alice.closed
    const envelope = sealer.seal()
    let answer = await bob.append([envelope])
    while (answer.type === 'refused') answer = await bob.append([envelope])
    expect(answer).toMatchObject({ sequence: 1 })
    expect(await bob.rotate(next, record)).toMatchObject({ type: 'opened' })
  })

  it('without the lease is refused', async () => {
    expect(await bob.pause()).toMatchObject({ code: 'busy' })
  })
})

describe('a rotation', () => {
  it('stores checkpoint and entries with the record; the others go on in the new epoch', async () => {
    await bob.append([sealer.seal()])
    const chunks = fakeCheckpoint(1, 3)
    const lease = await leased(alice)
    await alice.stage(lease, chunks.slice(0, 2))
    await alice.stage(lease, chunks.slice(2))
    await bob.append([sealer.seal()])
    const head = await paused(alice)
    expect(head.sequence).toBe(2)
    const repaired = new FakeSealer(1)
    await alice.stage(lease, [repaired.seal()])
    const envelopes = [repaired.seal()]
    const opened = await alice.replace(lease, next, record, head, { envelopes, checkpoint: nameOf(chunks) })
    expect(opened).toMatchObject({ type: 'opened', request: lease, sequence: 4 })
    expect(await bob.append([sealer.seal()])).toMatchObject({ code: 'stale-epoch', record: next })
    expect(await bob.append([new FakeSealer(1).seal()])).toMatchObject({ type: 'ack', sequence: 5 })
    expect(await bob.hears('record', ({ sequence }) => sequence === 2)).toMatchObject({
      record: next,
      hash: startHash(sha256(next)).slice(0, 8),
    })
  })

  it('stops nobody while it uploads: the holder types on under other numbers, and nothing staged is lost', async () => {
    const lease = await leased(alice)
    const chunks = fakeCheckpoint(1, 2)
    await alice.stage(lease, chunks.slice(0, 1))
    expect(await alice.append([sealer.seal()])).toMatchObject({ type: 'ack' })
    expect(await alice.append([sealer.seal(64, EnvelopeKind.update, 9)])).toMatchObject({ code: 'out-of-order' })
    await alice.stage(lease, chunks.slice(1))
    const head = await paused(alice)
    const opened = await alice.replace(lease, next, record, head, { checkpoint: nameOf(chunks) })
    expect(opened).toMatchObject({ type: 'opened', sequence: 1 })
  })

  it('[M3] is refused when the log has grown since, by one entry, and leaves the old epoch as it was', async () => {
    const lease = await leased(alice)
    const chunks = fakeCheckpoint(1, 2)
    await alice.stage(lease, chunks)
    const head = { sequence: 0, hash: startHash(sha256(record)) }
    await bob.append([sealer.seal()])
    const opened = await alice.replace(lease, next, record, head, { checkpoint: nameOf(chunks) })
    expect(opened).toMatchObject({ code: 'stale-epoch', record })
    expect(await bob.append([sealer.seal()])).toMatchObject({ type: 'ack', sequence: 2 })
  })

  it.each([
    ['another record', { previous: fakeRecord() }],
    ['another sequence', { sequence: 7 }],
    ['another H', { hash: new Uint8Array(32) }],
  ])('that names %s than the head has is stale', async (_what, wrong: object) => {
    const lease = await leased(alice)
    const { previous = record, ...rest } = wrong as { previous?: Uint8Array }
    const head = { sequence: 0, hash: startHash(sha256(record)), ...rest }
    expect(await alice.replace(lease, next, previous, head)).toMatchObject({ code: 'stale-epoch', record })
  })

  it.each([
    ['another hash', (chunks: Uint8Array[]) => nameOf(chunks.slice(1))],
    ['no hash', () => undefined],
  ])('with a checkpoint under %s than it has is refused whole', async (_what, claimed) => {
    const lease = await leased(alice)
    const chunks = fakeCheckpoint(1, 2)
    await alice.stage(lease, chunks)
    const checkpoint = claimed(chunks)
    const head = await paused(alice)
    expect(await alice.replace(lease, next, record, head, checkpoint && { checkpoint })).toMatchObject({
      code: 'malformed',
    })
    expect(await alice.lease(record)).toMatchObject({ type: 'leased' })
  })

  it('with a hash and no chunks, or chunks of another epoch, is malformed', async () => {
    const chunks = fakeCheckpoint(2, 1)
    const lease = await leased(alice)
    const head = { sequence: 0, hash: startHash(sha256(record)) }
    const checkpoint = nameOf(chunks)
    expect(await alice.replace(lease, next, record, head, { checkpoint })).toMatchObject({ code: 'malformed' })
    await alice.stage(lease, chunks)
    expect(await alice.replace(lease, next, record, head, { checkpoint })).toMatchObject({ code: 'malformed' })
  })

  it('takes the chunks of one checkpoint in their order', async () => {
    const lease = await leased(alice)
    const [first, second] = fakeCheckpoint(1, 2)
    const [foreign] = fakeCheckpoint(1, 1)
    expect(await alice.stage(lease, [second!])).toMatchObject({ code: 'out-of-order' })
    expect(await alice.stage(lease, [first!, foreign!])).toMatchObject({ code: 'out-of-order' })
    expect(await alice.stage(lease, [first!, second!])).toMatchObject({ type: 'staged' })
  })

  it('nobody stages chunks without the lease, and nobody appends one', async () => {
    const chunks = fakeCheckpoint(0, 1)
    expect(await bob.stage(bob.request(), chunks)).toMatchObject({ code: 'busy' })
    expect(await bob.append(chunks)).toMatchObject({ code: 'malformed' })
    const lease = await leased(alice)
    await alice.stage(lease, chunks)
    alice.say({ type: 'append', channel: 1, request: lease, envelopes: [] })
    expect(await alice.answer(lease)).toMatchObject({ code: 'malformed' })
  })

  it('has the number of its lease: under another one the staged checkpoint would be left behind', async () => {
    const lease = await leased(alice)
    await alice.stage(lease, fakeCheckpoint(1, 1))
    const head = await paused(alice)
    expect(await alice.replace(alice.request(), next, record, head)).toMatchObject({ code: 'busy' })
  })

  it('without a lease is refused', async () => {
    const head = { sequence: 0, hash: startHash(sha256(record)) }
    expect(await bob.replace(bob.request(), next, record, head)).toMatchObject({ code: 'busy' })
  })

  it('of twenty at once one opens the next epoch, and the others learn its record', async () => {
    const rotators = await Promise.all(Array.from({ length: 20 }, () => enter()))
    const answers = await Promise.all(
      rotators.map(async (rotator) => {
        const mine = fakeRecord(1)
        let answer = await rotator.rotate(mine, record)
        while (answer.type === 'refused' && answer.code === 'busy') answer = await rotator.rotate(mine, record)
        return answer
      }),
    )
    const opened = answers.flatMap((answer) => (answer.type === 'opened' ? [answer.record] : []))
    const learned = answers.flatMap((answer) => (answer.type === 'refused' ? [answer.record] : []))
    expect(opened).toHaveLength(1)
    expect(learned).toEqual(Array.from({ length: 19 }, () => opened[0]))
  })

  it('a relay that was wiped takes the next epoch of a document as its first, with its checkpoint', async () => {
    const chunks = fakeCheckpoint(5, 2)
    const wiped = await enter('wiped')
    const request = wiped.request()
    expect(await wiped.stage(request, chunks)).toMatchObject({ type: 'staged' })
    const first = fakeRecord(5)
    const checkpoint = nameOf(chunks)
    wiped.say({ type: 'open', channel: 1, request, record: first, sequence: 0, checkpoint, envelopes: [] })
    await wiped.hears('opened')
    wiped.say({ type: 'fetch', channel: 1, request: wiped.request(), checkpoint, first: 1, last: 0 })
    expect(await wiped.hears('checkpoint')).toMatchObject({ total: 2, chunks })
  })
})
