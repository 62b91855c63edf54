import { recordHash } from '@y-sealed/envelope'
import { type Down, hashPrefix, startHash } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { forgedRecord, headOf, placeOf } from '../support/lies.ts'
import { seededRandom } from '../support/random.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { expectLocked, someProblem, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Epochs that a relay makes up (attacks B9, B12, C6): it has no keys, so nothing of them is ever taken; and it cannot make a client ask for keys without end.

const SEED = 'relay-words-records/1'

let world: World
let clock: FakeClock
let random: () => number
beforeEach(async () => {
  world = await startWorld()
  clock = new FakeClock(Date.now())
  random = seededRandom(SEED)
})
afterEach(() => world.close())

const TOLD = ['key-unknown', 'relay-fault', 'rollback', 'fork']

/** Alice hears the truth; Bob, whose key requests are counted, what the test says. */
async function aliceAndBob(): Promise<{ alice: Person; bob: Person; asked: () => number }> {
  const alice = await world.joined('Alice')
  alice.text.insert(0, 'of Alice')
  await alice.provider.flush()
  let asked = 0
  const keys: typeof world.keys = (request, options) => {
    asked++
    return world.keys(request, options)
  }
  const bob = await world.joined('Bob', { keys, unsafeClock: clock, expects: TOLD })
  return { alice, bob, asked: () => asked }
}

function recordMessage({ channel }: { channel: number }, record: Uint8Array, sequence: number): Down {
  return { type: 'record', channel, record, sequence, hash: hashPrefix(startHash(recordHash(record))) }
}

/** From the next connection on the relay tells the truth. */
async function becomesWhole(alice: Person, bob: Person): Promise<void> {
  const before = bob.provider.epoch?.index
  bob.wire.cut()
  await passUntil(synced(bob), [clock])
  await passUntil(bob.provider.flush(), [clock])
  await untilText(alice.doc, 'of Bob', 'bob')
  expect(bob.text.toString()).toBe('of Alice')
  expect(bob.provider.epoch?.index).toBe(before)
  expect(await world.records()).toHaveLength(1)
}

describe(`200 records of nobody, seed ${SEED}`, () => {
  test.each([
    ['each after the one before', true],
    ['all after the same one', false],
  ])('%s: eight questions for keys within a minute, the epoch and what is written stay', async (_, isChain) => {
    const { alice, bob, asked } = await aliceAndBob()
    const head = await headOf(world)
    const before = asked()
    let previous = head.record
    for (let time = 0; time < 200; time++) {
      const record = forgedRecord(random, previous, head)
      if (isChain) previous = record
      bob.wire.openSockets.at(-1)?.deliver([recordMessage(placeOf(bob), record, head.sequence)])
      // Long enough to come back after what did not fit.
      await clock.advance(20)
    }
    bob.doc.getText('bob').insert(0, 'of Bob')
    const joins = saidBy(bob).filter(({ type }) => type === 'join').length
    expect(asked() - before).toBeLessThanOrEqual(8 + joins)
    expect(asked() - before).toBeGreaterThan(1)
    expect(bob.provider.epoch?.index).toBe(0)
    expect(saidBy(bob).filter(({ type }) => type === 'append')).toEqual([])
    await becomesWhole(alice, bob)
  })
})

test('an append is refused as stale again and again, each time with another epoch of nobody', async () => {
  const { alice, bob, asked } = await aliceAndBob()
  const head = await headOf(world)
  bob.wire.rewrite('up', (messages, socket) => {
    const [append] = messages
    if (append?.type !== 'append' || !('request' in append)) return messages
    const { channel, request } = append
    const record = forgedRecord(random, head.record, head)
    setImmediate(() =>
      socket.deliver([{ type: 'refused', channel, request, code: 'stale-epoch', detail: 'a lie', record }]),
    )
    return []
  })
  const before = asked()
  bob.doc.getText('bob').insert(0, 'of Bob')
  for (let second = 0; second < 120; second++) await clock.advance(1_000)
  const joins = saidBy(bob).filter(({ type }) => type === 'join').length
  expect(asked() - before).toBeLessThanOrEqual(2 * 8 + joins)
  expect(bob.provider.epoch?.index).toBe(0)
  bob.wire.rewrite('up', undefined)
  await becomesWhole(alice, bob)
})

describe('a relay that shows somebody new what no member has made', () => {
  const changes: [string, (record: Uint8Array) => Uint8Array][] = [
    ...[0x00, 0x02, 0x0f, 0x10, 0x11, 0x7f, 0x80, 0xff].map((byte): [string, (record: Uint8Array) => Uint8Array] => [
      `a record of version ${byte}`,
      (record) => Uint8Array.of(byte, ...record.subarray(1)),
    ]),
    ['suite 0, which would be none', (record) => Uint8Array.of(1, 0, ...record.subarray(2))],
    ['suite 2', (record) => Uint8Array.of(1, 2, ...record.subarray(2))],
    ['stretch 2', (record) => Uint8Array.of(1, 1, 2, ...record.subarray(3))],
    ['another stretch than the key was given', (record) => Uint8Array.of(1, 1, 1, ...record.subarray(3))],
    ['a record with a byte more', (record) => Uint8Array.of(...record, 0)],
    ['a record with a byte less', (record) => record.subarray(0, -1)],
    ['no record, but bytes', () => new Uint8Array(200).fill(0xa5)],
  ]

  test.each(changes)('%s: nothing is sealed or shown, and the truth is taken when it comes', async (_, change) => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'of Alice')
    await alice.provider.flush()
    const expects = ['unsupported', 'relay-fault', 'key-mismatch', 'key-weak']
    const bob = world.person('Bob', { connect: false, unsafeClock: clock, expects })
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).map((message) =>
        message.type === 'joined' ? { ...message, records: message.records.map(change) } : message,
      ),
    )
    bob.text.insert(0, world.canary('typed'))
    const typed = bob.text.toString()
    const problem = someProblem(bob)
    bob.provider.connect()
    await passUntil(problem, [clock])
    await settle()
    expectLocked(bob, typed)
    bob.wire.rewrite('down', undefined)
    bob.wire.cut()
    bob.provider.connect()
    await passUntil(synced(bob), [clock], 1_000)
    await passUntil(bob.provider.flush(), [clock])
    expect(bob.text.toString()).toContain('of Alice')
    expect(bob.text.toString()).toContain(typed)
  })
})
