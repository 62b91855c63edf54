import { startHash } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { onNodes } from '../support/nodes.ts'
import { OpenRoom, openRelay } from './relay-compacting-member.ts'
import { FakeSealer, fakeCheckpoint, nameOf, type RawClient, sha256, toEntries } from './relay-raw-client.ts'

const DAY_MS = 86_400_000

let clock: FakeClock
let room: OpenRoom
let alice: RawClient
let bob: RawClient

beforeEach(async () => {
  clock = new FakeClock()
  room = new OpenRoom(await openRelay(clock))
  alice = await room.enter('alice')
  bob = await room.enter('bob')
  await alice.open(room.record)
  await room.type(alice, 3)
  await room.type(bob, 2)
})

afterEach(() => room.close())

const placesOf = async (client: RawClient, record = room.record) => {
  const request = client.request()
  client.say({ type: 'checkpoints', channel: 1, request, record: sha256(record) })
  return (await client.hears('checkpoints', (answer) => answer.request === request)).places
}

describe('a checkpoint between rotations', () => {
  it('is staged and stored, its author is answered, the other members hear of it, observers and readers of entries do not wait', async () => {
    const observer = await room.enter('eve', { observe: true })
    const reader = await room.enter('reader')
    const chunks = fakeCheckpoint(0, 3)
    const checkpoint = await room.compact(alice, 4, undefined, chunks)
    const bytes = Buffer.concat(chunks).length
    const place = { checkpoint, sequence: 4, hash: room.hashes[4]!, bytes }
    for (const member of [bob, reader]) {
      expect(await member.hears('compacted')).toEqual({
        type: 'compacted',
        channel: 1,
        request: 0,
        place,
        named: false,
      })
    }
    expect(alice.heard.filter(({ type }) => type === 'compacted')).toMatchObject([{ place }])
    await observer.pinged()
    expect(observer.heard.map(({ type }) => type)).not.toContain('compacted')
    expect(await placesOf(bob)).toEqual([place])
  })

  it('is told of again, to everybody, when somebody else has named it; by its author it is not', async () => {
    const checkpoint = await room.compact(alice, 5)
    const heardNamed = (client: RawClient) => client.hears('compacted', ({ named }) => named)
    await room.type(alice, 1, checkpoint)
    await alice.pinged()
    expect(alice.heard.filter((message) => message.type === 'compacted' && message.named)).toEqual([])
    await room.type(bob, 1, checkpoint)
    for (const member of [alice, bob]) {
      expect(await heardNamed(member)).toMatchObject({ request: 0, place: { checkpoint, sequence: 5 } })
    }
  })

  it('is fetched by its name, by whoever reads', async () => {
    const chunks = fakeCheckpoint(0, 3)
    const checkpoint = await room.compact(alice, 4, undefined, chunks)
    const reader = await room.enter('reader')
    reader.say({ type: 'fetch', channel: 1, request: reader.request(), checkpoint, first: 1, last: 0 })
    expect(await reader.hears('checkpoint')).toMatchObject({ first: 1, total: 3, chunks })
  })

  it('may come in one message, without anything staged', async () => {
    const chunks = fakeCheckpoint(0, 2)
    const answer = await alice.compact(await room.lease(alice), room.covering(5, chunks), chunks)
    expect(answer).toMatchObject({ type: 'compacted', place: { sequence: 5 } })
  })

  it('gives the lease back', async () => {
    await room.compact(alice, 4)
    expect(await bob.lease(room.record, 'checkpoint')).toMatchObject({ type: 'leased' })
  })

  it('holds nobody up: entries are appended while it is uploaded, its author’s too', async () => {
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    await alice.stage(lease, chunks)
    await room.type(bob)
    await room.type(alice)
    expect(await alice.compact(lease, room.covering(5, chunks))).toMatchObject({ type: 'compacted' })
  })

  it('is heard of only after what it covers, however slowly somebody reads', async () => {
    await room.close()
    room = new OpenRoom(await openRelay(clock, { limits: { catchUpBytes: 1, backlogBytes: 300 } }))
    alice = await room.enter('alice')
    await alice.open(room.record)
    await room.type(alice, 20)
    const late = await room.connect()
    late.say({
      type: 'join',
      channel: 1,
      room: 'room',
      token: 'bob',
      params: {},
      observe: false,
      ...room.at(0),
      hash: startHash(sha256(room.record)).slice(0, 8),
    })
    await late.hears('joined')
    await room.compact(alice, 20)
    const told = await late.hears('compacted')
    const place = late.heard.indexOf(told)
    const before = late.heard.slice(0, place).filter(({ type }) => type === 'entries')
    expect(before).toHaveLength(20)
  })

  it('that an epoch begins with is heard of after its record, by all but its author and observers', async () => {
    const observer = await room.enter('eve', { observe: true })
    const checkpoint = await room.rotate(alice)
    const told = await bob.hears('compacted')
    expect(told).toMatchObject({ request: 0, place: { checkpoint, sequence: 5, hash: startHash(sha256(room.record)) } })
    expect(bob.heard[bob.heard.indexOf(told) - 1]).toMatchObject({ type: 'record', record: room.record })
    await observer.hears('record')
    for (const client of [alice, observer]) {
      await client.pinged()
      expect(client.heard.map(({ type }) => type)).not.toContain('compacted')
    }
  })
})

describe('what is refused', () => {
  it.each([
    ['H is another', { hash: new Uint8Array(32).fill(1) }],
    ['it covers more than the log has', { sequence: 6 }],
    ['it follows one that is not there', { previous: new Uint8Array(32).fill(1) }],
  ])('because %s: stale-checkpoint, and nothing is stored', async (_, wrong) => {
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    await alice.stage(lease, chunks)
    const covers = { ...room.covering(4, chunks), ...wrong }
    expect(await alice.compact(lease, covers)).toMatchObject({ type: 'refused', code: 'stale-checkpoint' })
    expect(await placesOf(alice)).toEqual([])
    await bob.pinged()
    expect(bob.heard.map(({ type }) => type)).not.toContain('compacted')
    // Nothing of it stays staged either.
    expect(await alice.compact(lease, room.covering(4, chunks))).toMatchObject({ code: 'malformed' })
    expect(await alice.compact(lease, room.covering(4, chunks), chunks)).toMatchObject({ type: 'compacted' })
  })

  it('of one that follows a former newest', async () => {
    const former = await room.compact(alice, 3)
    const newest = await room.compact(bob, 4, former)
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    for (const previous of [former, undefined]) {
      const answer = await alice.compact(lease, room.covering(5, chunks, previous), chunks)
      expect(answer).toMatchObject({ code: 'stale-checkpoint' })
    }
    expect(await alice.compact(lease, room.covering(5, chunks, newest), chunks)).toMatchObject({ type: 'compacted' })
  })

  it('of two at once: the second gets no lease, and without one it is busy', async () => {
    const lease = await room.lease(alice)
    expect(await bob.lease(room.record, 'checkpoint')).toMatchObject({ code: 'busy' })
    const theirs = fakeCheckpoint(0, 2)
    const request = bob.request()
    expect(await bob.compact(request, room.covering(5, theirs), theirs)).toMatchObject({ code: 'busy' })
    expect(await bob.compact(request, room.covering(5, theirs))).toMatchObject({ code: 'busy' })
    const ours = fakeCheckpoint(0, 2)
    expect(await alice.compact(lease, room.covering(5, ours), ours)).toMatchObject({ type: 'compacted' })
  })

  it.each([
    ['no chunks', (chunks: Uint8Array[]) => [chunks, []]],
    ['chunks of another name', (chunks: Uint8Array[]) => [fakeCheckpoint(0, 2), chunks]],
    ['a chunk too few', (chunks: Uint8Array[]) => [chunks, chunks.slice(0, 1)]],
    ['an entry among the chunks', (chunks: Uint8Array[]) => [chunks, [...chunks, new FakeSealer(0).seal()]]],
  ] as const)('because there are %s: malformed', async (_, change) => {
    const [named, sent] = change(fakeCheckpoint(0, 2))
    const answer = await alice.compact(await room.lease(alice), room.covering(4, [...named!]), [...sent!])
    expect(answer).toMatchObject({ type: 'refused', code: 'malformed' })
    expect(await placesOf(alice)).toEqual([])
  })

  it.each([
    ['of two salts', () => [...fakeCheckpoint(0, 1), fakeCheckpoint(0, 2)[1]!]],
    ['of two epochs', () => [...fakeCheckpoint(0, 1), fakeCheckpoint(1, 2)[1]!]],
    ['that do not begin with the first', () => fakeCheckpoint(0, 3).slice(1)],
  ])('because there are chunks %s: out-of-order', async (_, make) => {
    const chunks = make()
    const answer = await alice.compact(await room.lease(alice), room.covering(4, chunks), chunks)
    expect(answer).toMatchObject({ code: 'out-of-order' })
  })

  it('because its salt was used before: out-of-order', async () => {
    const sealer = new FakeSealer(0)
    await alice.append([sealer.seal()])
    const chunk = sealer.seal(64, 2, 1)
    const answer = await alice.compact(await room.lease(alice), room.covering(4, [chunk]), [chunk])
    expect(answer).toMatchObject({ code: 'out-of-order' })
  })

  it('because it is sealed for an epoch that is not the head: stale-epoch, with the head record', async () => {
    const chunks = fakeCheckpoint(1, 2)
    const answer = await alice.compact(await room.lease(alice), room.covering(4, chunks), chunks)
    expect(answer).toMatchObject({ code: 'stale-epoch', record: room.record })
  })

  it('of chunks in an append, and of entries that only look like a checkpoint', async () => {
    const lease = await room.lease(alice)
    const [chunk] = fakeCheckpoint(0, 1)
    alice.say({ type: 'append', channel: 1, request: lease, envelopes: toEntries([chunk!]) })
    expect(await alice.answer(lease)).toMatchObject({ code: 'malformed' })
  })

  it('of a reader: write-denied', async () => {
    const reader = await room.enter('reader')
    expect(await reader.lease(room.record, 'checkpoint')).toMatchObject({ code: 'write-denied' })
    const chunks = fakeCheckpoint(0, 1)
    const answer = await reader.compact(reader.request(), room.covering(4, chunks), chunks)
    expect(answer).toMatchObject({ code: 'write-denied' })
  })
})

describe('a compactor and a rotation', () => {
  it('the rotation goes first: the compactor is busy, what it has staged is gone, and it is not asked to wait', async () => {
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    await alice.stage(lease, chunks)
    const rotation = await bob.lease(room.record, 'rotate')
    expect(rotation).toMatchObject({ type: 'leased' })
    expect(await alice.compact(lease, room.covering(5, chunks))).toMatchObject({ code: 'busy' })
    await alice.release()
    // Released what it has not: the rotation is still Bob's.
    expect(await alice.lease(room.record, 'checkpoint')).toMatchObject({ code: 'busy' })
    expect(await bob.pause()).toMatchObject({ type: 'paused', sequence: 5 })
  })

  it('the rotation is done: the compactor is told of the new epoch', async () => {
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    const covers = room.covering(5, chunks)
    await room.rotate(bob)
    expect(await alice.compact(lease, covers, chunks)).toMatchObject({ code: 'stale-epoch', record: room.record })
    expect(await placesOf(alice)).toHaveLength(1)
  })

  it('whose look at its lease comes first is busy too', async () => {
    const chunks = fakeCheckpoint(0, 2)
    const lease = await room.lease(alice)
    await alice.stage(lease, chunks)
    await bob.lease(room.record, 'rotate')
    // Its bytes renew the lease every 15 s, or find that it is gone.
    await clock.advance(15_000)
    expect(await alice.stage(lease, chunks)).toMatchObject({ code: 'busy' })
    expect(await alice.compact(lease, room.covering(5, chunks))).toMatchObject({ code: 'busy' })
  })
})

describe('a checkpoint counts as named', () => {
  /** What the next one to join is told. */
  async function told() {
    const client = await room.connect()
    const { newest, base } = await client.join('room', { token: 'carol' })
    client.end()
    return { newest: newest?.checkpoint, base: base?.checkpoint }
  }

  it('when somebody else has named it', async () => {
    const checkpoint = await room.compact(alice, 5)
    expect(await told()).toEqual({ newest: checkpoint, base: undefined })
    await room.type(bob, 1, checkpoint)
    expect(await told()).toEqual({ newest: checkpoint, base: checkpoint })
  })

  // A day has thousands of timers, and on nodes each waits for the databases.
  it.skipIf(onNodes())('not when its author’s other device has named it, but a day later', async () => {
    const checkpoint = await room.compact(alice, 5)
    const phone = await room.enter('alice')
    await room.type(phone, 1, checkpoint)
    await clock.advance(DAY_MS)
    await room.type(await room.enter('alice'), 1, checkpoint)
    expect((await told()).base).toBeUndefined()
    await clock.advance(1)
    await room.type(await room.enter('alice'), 1, checkpoint)
    expect((await told()).base).toEqual(checkpoint)
  })

  it('at once where nobody else has written since the base', async () => {
    const checkpoint = await room.compact(alice, 5)
    await room.type(bob, 1, checkpoint)
    await room.type(alice)
    const second = await room.compact(alice, 7, checkpoint)
    await room.type(bob, 1, second)
    const third = await room.compact(bob, 8, second)
    expect(await told()).toEqual({ newest: third, base: third })
  })

  it('only while it is the newest', async () => {
    const former = await room.compact(alice, 4)
    const newest = await room.compact(alice, 5, former)
    await room.type(bob, 1, former)
    expect(await told()).toEqual({ newest, base: undefined })
  })

  it('without tokens by any other session', async () => {
    await room.close()
    room = new OpenRoom(await openRelay(clock, { auth: undefined } as object))
    const [first, second] = [await room.enter(''), await room.enter('')]
    await first.open(room.record)
    await room.type(first)
    await room.type(second)
    const checkpoint = await room.compact(first, 2)
    await room.type(first, 1, checkpoint)
    expect((await told()).base).toBeUndefined()
    await room.type(second, 1, checkpoint)
    expect((await told()).base).toEqual(checkpoint)
  })
})

it('a newcomer is told where to begin, and begins there', async () => {
  const checkpoint = await room.compact(alice, 4)
  const dora = await room.enter('dora')
  const joined = await dora.hears('joined')
  expect(joined).toMatchObject({ pruned: 0, newest: { checkpoint, sequence: 4 }, records: [room.record] })
  expect([...dora.received().keys()]).toEqual([5])
  expect(nameOf(fakeCheckpoint(0, 1))).not.toEqual(checkpoint)
})
