import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { onNodes } from '../support/nodes.ts'
import { OpenRoom, openRelay } from './relay-compacting-member.ts'
import { fakeCheckpoint, nameOf, type RawClient } from './relay-raw-client.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

let clock: FakeClock
let room: OpenRoom
let alice: RawClient

async function begin(options: Parameters<typeof openRelay>[1]): Promise<void> {
  clock = new FakeClock()
  room = new OpenRoom(await openRelay(clock, options))
  alice = await room.enter('alice')
  await alice.open(room.record)
}

/** Time passes, and what was due is deleted. */
async function pass(ms: number): Promise<void> {
  await clock.advance(ms)
  await room.relay.usage('room')
}

afterEach(() => room.close())

/** A read, and how it ended. */
async function read(client: RawClient, after: number, to: number) {
  const [request, from] = [client.request(), client.heard.length]
  client.say({ type: 'read', channel: 1, request, after, to })
  const end = await Promise.race([
    client.hears('caught-up', (answer) => answer.request === request),
    client.hears('refused', (answer) => answer.request === request),
  ])
  const sequences = client.heard
    .slice(from)
    .flatMap((message) => (message.type === 'entries' ? message.entries.map((_, i) => message.first + i) : []))
  return end.type === 'refused' ? [...sequences, end.code].join() : sequences
}

describe('a log whose beginning is not kept any more', () => {
  const limits = { pruneGraceMs: 0, sweepMs: MINUTE_MS, silenceMs: 1_000 * DAY_MS }

  beforeEach(async () => {
    await begin({ retention: 'head', limits })
    await room.type(alice, 8)
    await room.compact(alice, 5)
    await pass(MINUTE_MS)
  })

  it('is served to who has read through there, and beyond: confirmed', async () => {
    for (const cursor of [5, 6, 8]) {
      const client = await room.connect()
      const joined = await client.join('room', { token: 'bob', ...room.at(cursor) })
      expect(joined).toMatchObject({ confirmed: true, pruned: 5 })
      await client.hears('caught-up')
      expect([...client.received().keys()]).toEqual([6, 7, 8].filter((sequence) => sequence > cursor))
    }
  })

  it('begins after the newest checkpoint for who stands before, knows the epoch, and is not confirmed', async () => {
    const client = await room.connect()
    const joined = await client.join('room', { token: 'bob', ...room.at(3) })
    expect(joined).toMatchObject({ confirmed: false, pruned: 5, newest: { sequence: 5 }, base: { sequence: 5 } })
    expect(await client.hears('caught-up')).toMatchObject({ sequence: 8 })
    expect([...client.received().keys()]).toEqual([6, 7, 8])
    const { checkpoint } = joined.newest!
    client.say({ type: 'fetch', channel: 1, request: client.request(), checkpoint, first: 1, last: 0 })
    expect(await client.hears('checkpoint')).toMatchObject({ total: 3 })
  })

  it('begins there for a newcomer, and for an observer at the first entry that is kept', async () => {
    expect([...(await room.enter('bob')).received().keys()]).toEqual([6, 7, 8])
    const observer = await room.enter('eve', { observe: true })
    expect([...observer.received().keys()]).toEqual([6, 7, 8])
    const later = await room.enter('eve', { observe: true, cursor: 7 })
    expect([...later.received().keys()]).toEqual([8])
    const behind = await room.enter('eve', { observe: true, ...room.at(2) })
    expect([...behind.received().keys()]).toEqual([6, 7, 8])
    expect(behind.heard.find(({ type }) => type === 'joined')).toMatchObject({ confirmed: false, pruned: 5 })
  })

  it('is read where it is kept, and refused where it is not', async () => {
    const client = await room.enter('bob')
    expect(await read(client, 5, 7)).toEqual([6, 7])
    expect(await read(client, 5, 0)).toEqual([6, 7, 8])
    for (const [after, to] of [
      [0, 3],
      [4, 6],
      [0, 0],
      [4, 0],
    ] as const) {
      expect(await read(client, after, to), `${after}..${to}`).toBe('pruned')
    }
    // The session goes on where it was.
    await room.type(alice)
    await client.hears('entries', ({ first }) => first === 9)
  })

  it('goes on, and is compacted again', async () => {
    const { newest } = await (await room.connect()).join('room', { token: 'bob' })
    await room.type(alice, 2)
    await room.compact(alice, 10, newest?.checkpoint)
    await pass(MINUTE_MS)
    expect(await room.relay.usage('room')).toMatchObject({
      entries: 0,
      entryBytes: 0,
      historyEntries: 0,
      historyBytes: 0,
    })
    const client = await room.connect()
    expect(await client.join('room', { token: 'bob', ...room.at(10) })).toMatchObject({ confirmed: true, pruned: 10 })
    await room.type(alice)
    await client.hears('entries', ({ first }) => first === 11)
  })

  it('is left by the live sessions as it was: they hear what comes next', async () => {
    const bob = await room.enter('bob')
    await room.type(alice, 2)
    const { newest } = await bob.hears('joined')
    await room.compact(alice, 9, newest?.checkpoint)
    await pass(MINUTE_MS)
    await room.type(alice)
    await bob.hears('entries', ({ first }) => first === 11)
    expect([...bob.received().keys()]).toEqual([6, 7, 8, 9, 10, 11])
  })

  it('of an old epoch goes with it: a member that was away is not confirmed, one that had read it all is', async () => {
    const [ended, before] = [room.at(8), room.at(7)]
    await room.rotate(alice)
    await room.type(alice, 2)
    await pass(MINUTE_MS)
    const there = await room.connect()
    expect(await there.join('room', { token: 'bob', ...ended })).toMatchObject({ confirmed: true, pruned: 8 })
    await there.hears('caught-up')
    expect([...there.received().keys()]).toEqual([9, 10])
    expect(there.heard.filter(({ type }) => type === 'record')).toHaveLength(1)
    const away = await room.connect()
    const joined = await away.join('room', { token: 'bob', ...before })
    expect(joined).toMatchObject({ confirmed: false, records: [room.record], newest: { sequence: 8 } })
    await away.hears('caught-up')
    expect([...away.received().keys()]).toEqual([9, 10])
  })
})

it('a session whose next entry is pruned before it reads on is closed with 4408, and begins elsewhere', async () => {
  const limits = { pruneGraceMs: 0, sweepMs: MINUTE_MS, silenceMs: DAY_MS, backlogBytes: 512 * 1024 }
  await begin({ retention: 'head', limits })
  const slow = await room.enter('bob')
  slow.socket.pause()
  // More than the buffers of two sockets hold.
  room.entryBytes = 250 * 1024
  await room.type(alice, 160)
  await room.compact(alice, 160)
  await pass(MINUTE_MS)
  slow.socket.resume()
  expect(await slow.hears('closed')).toMatchObject({ channel: 1, code: 4408 })
  const read = [...slow.received().keys()]
  expect(read).toEqual(Array.from({ length: read.length }, (_, i) => i + 1))
  expect(read.length).toBeLessThan(160)
  const from = slow.heard.length
  slow.say({
    type: 'join',
    channel: 1,
    room: 'room',
    token: 'bob',
    params: {},
    observe: false,
    ...room.at(read.length),
  })
  const joined = await slow.hears('joined', () => true, from)
  expect(joined).toMatchObject({ confirmed: false, pruned: 160, newest: { sequence: 160 } })
  expect(await slow.hears('caught-up', () => true, from)).toMatchObject({ sequence: 160 })
})

describe('retention', () => {
  // Days pass in a few steps: nobody is asked for a sign of life or told of a head meanwhile.
  const quiet = { silenceMs: 10_000 * DAY_MS, heartbeatMs: 10_000 * DAY_MS }
  const limits = { ...quiet, sweepMs: DAY_MS }

  /** What a member says that has gone away in the first of the two. */
  let before: ReturnType<OpenRoom['at']>

  /** A document of two epochs, each with a replaced stretch and a base of its own. */
  async function twoEpochs(options: Parameters<typeof openRelay>[1]): Promise<void> {
    await begin({ limits, ...options })
    await room.type(alice, 4)
    await room.compact(alice, 2)
    before = room.at(3)
    const first = await room.rotate(alice)
    await room.type(alice, 4)
    await room.compact(alice, 6, first)
  }

  const history = async () => (await room.relay.usage('room')).historyEntries

  // Three relays look for each other every second: 400 days of that are a minute.
  it.skipIf(onNodes())('all keeps everything', async () => {
    await twoEpochs({ retention: 'all' })
    await pass(400 * DAY_MS)
    expect(await history()).toBe(6)
    expect(await read(await room.enter('bob'), 0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('of a duration counts from the replacement, and keeps base and end of old epochs', async () => {
    await twoEpochs({ retention: 7 * DAY_MS })
    await pass(7 * DAY_MS - 1)
    expect(await history()).toBe(6)
    await pass(DAY_MS)
    expect(await history()).toBe(2)
    const bob = await room.enter('bob')
    expect([await read(bob, 2, 4), await read(bob, 2, 5), await read(bob, 6, 8)]).toEqual([[3, 4], 'pruned', [7, 8]])
    // What would follow its cursor is there, and after that there is a gap.
    const away = await room.connect()
    expect(await away.join('room', { token: 'bob', ...before })).toMatchObject({ confirmed: false, pruned: 6 })
    await away.hears('caught-up')
    expect([...away.received().keys()]).toEqual([7, 8])
  })

  it('is 30 days where nobody says otherwise', async () => {
    await twoEpochs({})
    await pass(30 * DAY_MS - 1)
    expect(await history()).toBe(6)
    await pass(DAY_MS)
    expect(await history()).toBe(2)
  })

  it('head keeps the head, ten minutes after the replacement', async () => {
    await twoEpochs({ retention: 'head', limits: quiet })
    await pass(10 * MINUTE_MS - 1)
    expect(await history()).toBe(6)
    await pass(2 * MINUTE_MS)
    expect(await room.relay.usage('room')).toMatchObject({ entries: 2, historyEntries: 0, historyBytes: 0, records: 2 })
  })

  it('keeps a replaced unnamed checkpoint ten minutes, for those who are fetching it', async () => {
    await begin({ retention: 'all', limits: quiet })
    const bob = await room.enter('bob')
    await room.type(alice)
    await room.type(bob)
    const chunks = fakeCheckpoint(0, 3)
    const former = await room.compact(alice, 1, undefined, chunks)
    const newest = await room.compact(bob, 2, former)
    const fetched = async (checkpoint: Uint8Array) => {
      const request = bob.request()
      bob.say({ type: 'fetch', channel: 1, request, checkpoint, first: 1, last: 0 })
      return await Promise.race([
        bob.hears('checkpoint', (answer) => answer.request === request),
        bob.hears('refused', (answer) => answer.request === request),
      ])
    }
    await pass(9 * MINUTE_MS)
    expect(await fetched(former)).toMatchObject({ total: 3, chunks })
    await pass(2 * MINUTE_MS)
    expect(await fetched(former)).toMatchObject({ code: 'unknown' })
    expect(await fetched(newest)).toMatchObject({ type: 'checkpoint' })
    expect(await fetched(nameOf(chunks))).toMatchObject({ code: 'unknown' })
  })

  it.each([-1, Number.NaN, '30d' as unknown as number])('of %s is none', async (retention) => {
    await begin({ limits })
    await expect(openRelay(clock, { retention })).rejects.toThrow(TypeError)
  })
})

it('usage of a room that nobody knows is nothing', async () => {
  await begin({})
  expect(await room.relay.usage('elsewhere')).toMatchObject({ entries: 0, records: 0 })
})
