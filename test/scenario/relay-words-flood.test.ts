import { type Down, hashPrefix, leafHash, nextHash, type Up } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { patiently, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { forgedEnvelope, headOf, placeOf } from '../support/lies.ts'
import { seededRandom } from '../support/random.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { showAnotherLog } from '../support/shadow-log.ts'
import { codesOf, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Garbage in bulk (attack B13): one word about it, a bounded amount of work, a document that can be used all the while.

let world: World
let clock: FakeClock
beforeEach(async () => {
  world = await startWorld()
  clock = new FakeClock(Date.now())
})
afterEach(() => world.close())

const random = seededRandom('relay-words-flood/1')
const count = (person: Person, type: Up['type']): number => saidBy(person).filter((each) => each.type === type).length

async function aliceHasWritten(): Promise<Person> {
  const alice = await world.joined('Alice', { expects: ['fork'] })
  alice.text.insert(0, 'of Alice')
  await alice.provider.flush()
  return alice
}

test('2,000 entries of garbage in the log, seed relay-words-flood/1: all read with a few questions, and the rest is there', async () => {
  const alice = await aliceHasWritten()
  const carol = await world.joined('Carol', { expects: ['fork'] })
  carol.doc.getText('second').insert(0, 'of Carol')
  await carol.provider.flush()
  await untilText(alice.doc, 'of Carol', 'second')
  alice.doc.getText('third').insert(0, 'of Alice again')
  await alice.provider.flush()
  const bob = world.person('Bob', { connect: false, expects: ['tampered'] })
  showAnotherLog(bob.wire, (envelope, sequence) =>
    sequence === 2 ? Array.from({ length: 2_000 }, () => forgedEnvelope(random)) : [envelope],
  )
  bob.provider.connect()
  await patiently(bob.provider.whenSynced, 'Bob to be synced', 25_000)
  expect(bob.text.toString()).toBe('of Alice')
  expect(bob.doc.getText('third').toString()).toBe('of Alice again')
  expect(bob.provider.counters.tampered).toBe(2_000)
  expect(codesOf(bob)).toEqual(['tampered'])
  // One for 512 of them; a question for each would bring the whole log each time.
  expect(count(bob, 'read')).toBeLessThan(10)
  bob.doc.getText('fourth').insert(0, 'of Bob')
  await patiently(bob.provider.flush(), 'what Bob wrote to be durable')
})

test('10,000 entries of garbage at once, seed relay-words-flood/1: a rest is taken, one word said, nothing lost', async () => {
  const alice = await aliceHasWritten()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects: ['tampered', 'rollback'] })
  const { channel } = placeOf(bob)
  const head = await headOf(world)
  const garbage = Array.from({ length: 10_000 }, () => ({
    proof: new Uint8Array(0),
    envelope: forgedEnvelope(random).subarray(0, 70),
  }))
  const hashes = [head.hash]
  for (const { proof, envelope } of garbage)
    hashes.push(nextHash(hashes.at(-1) as Uint8Array, leafHash(proof, envelope)))
  const show = (after: number): Down => {
    const from = after - head.sequence
    const hashBefore = hashPrefix(hashes[from] as Uint8Array)
    return { type: 'entries', channel, first: after + 1, hashBefore, entries: garbage.slice(from) }
  }
  // It keeps its hashes, and brings the same again to whoever asks.
  bob.wire.rewrite('up', (messages, socket) => {
    for (const message of messages as Up[]) {
      if (message.type !== 'read') continue
      const end = { sequence: head.sequence + garbage.length, hash: hashPrefix(hashes.at(-1) as Uint8Array) }
      socket.deliver([show(message.after), { type: 'caught-up', channel, request: message.request, ...end }])
      return []
    }
    return messages
  })
  const left = bob.wire.untilPassed('up', ({ type }) => type === 'leave')
  bob.wire.openSockets[0]?.deliver([show(head.sequence)])
  bob.doc.getText('bob').insert(0, 'typed in the flood')
  await left
  expect(codesOf(bob)).toEqual(['tampered'])
  expect(bob.provider.counters.floods).toBe(1)
  // No more than what was being taken together.
  expect(bob.provider.counters.tampered).toBeLessThanOrEqual(512)
  expect(bob.provider.synced).toBe(false)
  bob.wire.rewrite('up', undefined)
  await passUntil(synced(bob), [clock])
  await passUntil(bob.provider.flush(), [clock])
  await untilText(alice.doc, 'typed in the flood', 'bob')
  expect(bob.text.toString()).toBe('of Alice')
})

test('10,000 awareness states of garbage, seed relay-words-flood/1: 64 are looked at, then a rest is taken', async () => {
  const alice = await aliceHasWritten()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects: ['tampered'] })
  const { channel } = placeOf(bob)
  const left = bob.wire.untilPassed('up', ({ type }) => type === 'leave')
  for (let session = 1_000; session < 11_000; session++) {
    const envelope = forgedEnvelope(random, 0, EnvelopeKind.awareness)
    bob.wire.openSockets[0]?.deliver([{ type: 'awareness', channel, session, envelope }])
  }
  bob.text.insert(0, 'typed in the flood. ')
  await left
  await settle()
  expect(codesOf(bob)).toEqual(['tampered'])
  expect(bob.provider.counters.tampered).toBeLessThanOrEqual(2 * 64)
  await passUntil(synced(bob), [clock])
  await passUntil(bob.provider.flush(), [clock])
  await untilText(alice.doc, 'typed in the flood. of Alice')
  alice.provider.awareness.setLocalState({ name: 'Alice' })
  const sees = (): boolean => bob.provider.awareness.getStates().get(alice.doc.clientID)?.name === 'Alice'
  await untilTrue(bob.provider.awareness, 'change', sees, 'Bob to see Alice')
})

test('garbage after garbage: whoever floods again is waited for longer', async () => {
  await aliceHasWritten()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects: ['tampered'] })
  for (let round = 0; round < 60; round++) {
    const { channel } = placeOf(bob)
    const flood: Down[] = Array.from({ length: 64 }, (_, session) => {
      return { type: 'awareness', channel, session, envelope: forgedEnvelope(random, 0, EnvelopeKind.awareness) }
    })
    if (bob.provider.synced) bob.wire.openSockets[0]?.deliver(flood)
    await clock.advance(2_000)
  }
  // 0.1 s, 0.2 s, … up to 30 s: a dozen in two minutes, where one after each flood would be 60.
  expect(count(bob, 'join')).toBeLessThan(20)
  expect(bob.provider.counters.floods).toBeGreaterThan(5)
  expect(codesOf(bob)).toEqual(['tampered'])
})

test('a relay that greets with garbage, or ends each session as soon as it is live: back-off, and few questions for keys', async () => {
  await aliceHasWritten()
  let asked = 0
  const keys: typeof world.keys = (request, options) => {
    asked++
    return world.keys(request, options)
  }
  const bob = world.person('Bob', { keys, unsafeClock: clock, maxBackoffTime: 2_500, expects: ['relay-fault'] })
  await passUntil(synced(bob), [clock])
  for (let step = 0; step < 600; step++) {
    await clock.advance(100)
    if (!bob.provider.synced) continue
    if (step % 2 === 0) bob.wire.closeFromRelay(1006)
    else bob.wire.openSockets[0]?.deliver(Uint8Array.of(0xa5, 0xa5, 0xa5))
  }
  // A minute of waits that double up to 2.5 s, jittered: some thirty-five, where there were 600.
  expect(count(bob, 'join')).toBeLessThan(60)
  expect(asked).toBeLessThanOrEqual(count(bob, 'join') + 1)
  expect(bob.text.toString()).toBe('of Alice')
})
