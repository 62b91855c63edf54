import { type Down, hashPrefix } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { forgedEnvelope, headOf, placeOf, type RelayKnowledge } from '../support/lies.ts'
import { seededRandom } from '../support/random.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Lying sequences and answers (attacks B10, B11): never NaN, never a stall, never more memory, never `synced` by a lie.

let world: World
let clock: FakeClock
let random: () => number
beforeEach(async () => {
  world = await startWorld()
  clock = new FakeClock(Date.now())
  random = seededRandom('relay-words-sequences/1')
})
afterEach(() => world.close())

const HUGE = Number.MAX_SAFE_INTEGER
const TOLD = ['relay-fault', 'tampered', 'gap', 'rollback', 'fork', 'withheld']

async function aliceHasWritten(): Promise<Person> {
  const alice = await world.joined('Alice', { expects: ['fork'] })
  for (const word of ['one ', 'two ', 'three ']) {
    alice.text.insert(alice.text.length, word)
    await alice.provider.flush()
  }
  return alice
}

async function becomesWhole(alice: Person, bob: Person): Promise<void> {
  bob.wire.rewrite('down', undefined)
  bob.wire.rewrite('up', undefined)
  bob.wire.calm()
  bob.wire.cut()
  await passUntil(synced(bob), [clock])
  await passUntil(bob.provider.flush(), [clock])
  alice.doc.getText('alice').insert(0, 'afterwards')
  await passUntil(untilEqual([alice.doc, bob.doc]), [clock])
  expect(bob.text.toString()).toBe('one two three ')
  expect(bob.doc.getText('bob').toString()).toBe('typed meanwhile')
}

describe('a live member is told', () => {
  type Known = Omit<RelayKnowledge, 'record'>
  const garbage = (count: number) =>
    Array.from({ length: count }, () => ({ proof: new Uint8Array(0), envelope: forgedEnvelope(random) }))
  const lies: [string, (known: Known) => Down][] = [
    ['entries at 2^53 - 1', ({ channel, hash }) => entries(channel, HUGE, hash, 1)],
    ['entries at 2^48', ({ channel, hash }) => entries(channel, 2 ** 48, hash, 1)],
    ['entries a thousand places on', ({ channel, hash, sequence }) => entries(channel, sequence + 1_000, hash, 5)],
    ['entries from 1, which it has read', ({ channel, hash }) => entries(channel, 1, hash, 2)],
    [
      'other entries over those that it has read, and more',
      ({ channel, hash, sequence }) => entries(channel, sequence, hash, 3),
    ],
    [
      'the next entry, with an H that is not',
      ({ channel, sequence }) => entries(channel, sequence + 1, new Uint8Array(32), 1),
    ],
    [
      'a head at 2^53 - 1',
      ({ channel, hash }) => ({ type: 'heartbeat', channel, sequence: HUGE, hash: hashPrefix(hash) }),
    ],
    ['a head at 0', ({ channel, hash }) => ({ type: 'heartbeat', channel, sequence: 0, hash: hashPrefix(hash) })],
    [
      'a head without H',
      ({ channel, sequence }) => ({ type: 'heartbeat', channel, sequence, hash: new Uint8Array(0) }),
    ],
    ['the end of a read that nobody asked for', ({ channel, hash }) => caughtUp(channel, 77, HUGE, hash)],
    ['the end of its join again, at 0', ({ channel, hash }) => caughtUp(channel, 0, 0, hash)],
    ['the end of its join again, at 2^53 - 1', ({ channel, hash }) => caughtUp(channel, 0, HUGE, hash)],
    ['an ack of what nobody has sent', ({ channel, hash }) => ack(channel, 99, HUGE, hash)],
    [
      'an ack of its newest request again',
      ({ channel, hash, request, sequence }) => ack(channel, request, sequence + 1, hash),
    ],
  ]
  function entries(channel: number, first: number, hash: Uint8Array, count: number): Down {
    return { type: 'entries', channel, first, hashBefore: hashPrefix(hash), entries: garbage(count) }
  }
  function caughtUp(channel: number, request: number, sequence: number, hash: Uint8Array): Down {
    return { type: 'caught-up', channel, request, sequence, hash: hashPrefix(hash) }
  }
  function ack(channel: number, request: number, sequence: number, hash: Uint8Array): Down {
    return { type: 'ack', channel, request, sequence, count: 1, hash: hashPrefix(hash) }
  }

  test.each(lies)('%s: it goes on, with what it had and has typed', async (_, lie) => {
    const alice = await aliceHasWritten()
    const bob = await world.joined('Bob', { unsafeClock: clock, expects: TOLD })
    const known = { ...(await headOf(world)), ...placeOf(bob) }
    bob.wire.openSockets[0]?.deliver([lie(known), lie(known)])
    bob.doc.getText('bob').insert(0, 'typed meanwhile')
    await settle()
    // The relay goes on lying at each turn, and keeps quiet otherwise.
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000)
      expect(bob.text.toString()).toBe('one two three ')
      expect(bob.doc.getText('bob').toString()).toBe('typed meanwhile')
    }
    // It does not ask for ever what is not there.
    expect(saidBy(bob).filter(({ type }) => type === 'read' || type === 'join').length).toBeLessThan(40)
    expect(JSON.stringify(bob.provider.syncStatus)).not.toMatch(/NaN|null/)
    await becomesWhole(alice, bob)
  })
})

test('a live member is told of a head that is not there, at each heartbeat: it says so, and asks less and less often', async () => {
  const alice = await aliceHasWritten()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects: TOLD })
  bob.doc.getText('bob').insert(0, 'typed meanwhile')
  const asked = (): number => saidBy(bob).filter(({ type }) => type === 'read' || type === 'join').length
  const askedBefore = asked()
  const hash = new Uint8Array(8)
  for (let second = 0; second < 300; second++) {
    const { channel } = placeOf(bob)
    bob.wire.openSockets.at(-1)?.deliver([{ type: 'heartbeat', channel, sequence: 1_000, hash }])
    await clock.advance(1_000)
  }
  expect(bob.problems.map(({ code, message }) => `${code} ${message}`)).toContainEqual(
    expect.stringMatching(/^relay-fault .*sequence 1000 as the end of its log and has no more than \d$/),
  )
  // One read and one join each time: five times until they are half a minute apart, then ten times in five minutes.
  expect(asked() - askedBefore).toBeLessThan(60)
  await becomesWhole(alice, bob)
})

describe('somebody new is told that all is there', () => {
  /** The relay holds all entries back, and changes what ends the reading. */
  async function held(change: (message: Down) => Down): Promise<{ alice: Person; bob: Person }> {
    const alice = await aliceHasWritten()
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: TOLD })
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).filter(({ type }) => type !== 'entries').map((message) => change(message)),
    )
    bob.provider.connect()
    bob.doc.getText('bob').insert(0, 'typed meanwhile')
    return { alice, bob }
  }

  const lies: [string, (message: Down) => Down][] = [
    [
      'at a sequence before the one that the join had named',
      (message) => (message.type === 'caught-up' ? { ...message, sequence: 0 } : message),
    ],
    ['at the place named, without a word of it', (message) => message],
    [
      'by a join at 0, and at 0, with the H of something else',
      (message) => (message.type === 'joined' || message.type === 'caught-up' ? { ...message, sequence: 0 } : message),
    ],
    ['at 2^53 - 1', (message) => (message.type === 'caught-up' ? { ...message, sequence: HUGE } : message)],
  ]

  test.each(lies)('%s: never synced, and nothing sealed is sent, until it is so', async (_, change) => {
    const { alice, bob } = await held(change)
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000)
      expect(bob.provider.synced).toBe(false)
    }
    expect(bob.problems.map(({ code }) => code)).toContain('relay-fault')
    expect(saidBy(bob).filter(({ type }) => type === 'append')).toEqual([])
    await becomesWhole(alice, bob)
  })

  test('and a member who was here before: confirmed beyond the end of the log is no confirmation', async () => {
    const alice = await aliceHasWritten()
    const bob = await world.joined('Bob', { unsafeClock: clock, expects: TOLD })
    bob.doc.getText('bob').insert(0, 'typed meanwhile')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(alice.doc, 'typed meanwhile', 'bob')
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).map((message) =>
        message.type === 'joined' || message.type === 'caught-up' ? { ...message, sequence: 1 } : message,
      ),
    )
    bob.wire.cut()
    for (let second = 0; second < 30; second++) {
      await clock.advance(1_000)
      expect(bob.provider.synced).toBe(false)
    }
    expect(bob.problems.map(({ code }) => code)).toContain('relay-fault')
    await becomesWhole(alice, bob)
  })
})
