import type { Down } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RelayConnection } from 'y-sealed'
import * as Y from 'yjs'
import { untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { showAnotherLog } from '../support/shadow-log.ts'
import { codesOf, ofType, someProblem, synced } from '../support/steps.ts'
import { Wire } from '../support/wire.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// A relay that offers less than what is agreed (attack B9): another version, no encryption at all. Nothing of it is taken, and nothing is ever said in clear:
// the world searches all frames for what was typed.

let world: World
let clock: FakeClock
beforeEach(async () => {
  world = await startWorld()
  clock = new FakeClock(Date.now())
})
afterEach(() => world.close())

async function aliceHasWritten(): Promise<Person> {
  // Whoever was shown another log names that one when they write.
  const alice = await world.joined('Alice', { expects: ['fork'] })
  alice.text.insert(0, 'of Alice')
  await alice.provider.flush()
  return alice
}

describe('a relay that greets', () => {
  test.each([2, 127, 2 ** 31 - 1])(
    'in version %i, which nobody offered: nothing is said to it but who asks for which room',
    async (version) => {
      await aliceHasWritten()
      const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['relay-fault'] })
      bob.text.insert(0, world.canary('typed'))
      bob.wire.rewrite('down', (messages) =>
        (messages as Down[]).map((message) => (message.type === 'welcome' ? { ...message, version } : message)),
      )
      bob.provider.connect()
      await passUntil(someProblem(bob), [clock])
      for (let second = 0; second < 30; second++) await clock.advance(1_000)
      expect(codesOf(bob)).toEqual(['relay-fault'])
      expect(new Set(saidBy(bob).map(({ type }) => type))).toEqual(new Set(['hello', 'join']))
      bob.wire.rewrite('down', undefined)
      await passUntil(synced(bob), [clock])
      expect(bob.text.toString()).toContain('of Alice')
    },
  )

  test.each<[string, Uint8Array]>([
    ['in version 0, which does not exist', Uint8Array.of(0x40, 1, 0)],
    ['by saying hello itself', Uint8Array.of(0x10, 11, ...Buffer.from('y-sealed'), 1, 1, 0)],
    ['with a text that is not of this protocol', Buffer.from('{"encryption":"none"}')],
  ])('%s: relay-fault, and the next one is taken', async (_, greeting) => {
    await aliceHasWritten()
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['relay-fault'] })
    bob.text.insert(0, world.canary('typed'))
    let isTold = false
    bob.wire.rewrite('down', (messages, socket) => {
      if (isTold) return messages
      isTold = true
      socket.deliver(greeting)
      return []
    })
    bob.provider.connect()
    await passUntil(synced(bob), [clock])
    expect(codesOf(bob)).toEqual(['relay-fault'])
    expect(bob.text.toString()).toContain('of Alice')
  })

  test('late: who has joined meanwhile believes nothing that comes before it', async () => {
    await aliceHasWritten()
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['relay-fault'] })
    bob.text.insert(0, world.canary('typed'))
    bob.wire.rewrite('down', (messages) => (messages as Down[]).filter(({ type }) => type !== 'welcome'))
    bob.provider.connect()
    await passUntil(someProblem(bob), [clock])
    for (let second = 0; second < 30; second++) await clock.advance(1_000)
    expect(codesOf(bob)).toEqual(['relay-fault'])
    expect(bob.problems[0]?.message).toContain('before welcome')
    expect(bob.text.toString()).not.toContain('of Alice')
    expect(new Set(saidBy(bob).map(({ type }) => type))).toEqual(new Set(['hello', 'join']))
    bob.wire.rewrite('down', undefined)
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toContain('of Alice')
  })

  test('not at all yet: the join is on its way all the same, and spares a round trip', async () => {
    await aliceHasWritten()
    const bob = world.person('Bob', { connect: false })
    bob.wire.hold('down', ofType('welcome'))
    const joins = bob.wire.untilPassed('up', ofType('join'))
    bob.provider.connect()
    await joins
    expect(bob.provider.wsconnected).toBe(false)
    bob.wire.release('down')
    await synced(bob)
    expect(bob.text.toString()).toContain('of Alice')
  })

  test('once more, with other limits: they stay as they were', async () => {
    const alice = await aliceHasWritten()
    const wire = new Wire(world.capture)
    const connection = new RelayConnection(world.relayUrl, { WebSocketPolyfill: wire.WebSocket, unsafeClock: clock })
    const bob = await world.joined('Bob', { unsafeClock: clock, connection })
    const { limits } = connection
    const less = { ...limits, maxAppendBytes: 262_656, maxFrameEnvelopeBytes: 262_656 }
    wire.openSockets[0]?.deliver([{ type: 'welcome', version: 1, limits: less }])
    expect(connection.limits).toEqual(limits)
    bob.doc.getText('bob').insert(0, 'x'.repeat(300_000))
    await passUntil(bob.provider.flush(), [clock])
    await untilText(alice.doc, 'x'.repeat(300_000), 'bob')
    expect(codesOf(bob)).toEqual([])
    bob.provider.destroy()
    connection.destroy()
  })
})

describe('frames of a plaintext server', () => {
  const update = (): Uint8Array => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'of nobody')
    return Y.encodeStateAsUpdate(doc)
  }
  const withLength = (bytes: Uint8Array): number[] => [bytes.length, ...bytes]
  // y-protocols: sync (0: step 1, step 2, update), awareness (1), auth (2), query awareness (3).
  const frames: [string, () => Uint8Array][] = [
    ['sync step 1', () => Uint8Array.of(0, 0, ...withLength(Y.encodeStateVector(new Y.Doc())))],
    ['sync step 2', () => Uint8Array.of(0, 1, ...withLength(update()))],
    ['an update', () => Uint8Array.of(0, 2, ...withLength(update()))],
    ['awareness', () => Uint8Array.of(1, 3, 1, 1, 0)],
    ['permission denied', () => Uint8Array.of(2, 0, 2, 0x6e, 0x6f)],
    ['a query for awareness', () => Uint8Array.of(3)],
  ]
  const moments = ['welcome', 'joined', 'caught-up', 'ack'] as const

  test.each(frames)('%s, at any moment: relay-fault, not taken and not answered', async (_, frame) => {
    const alice = await aliceHasWritten()
    for (const moment of moments) {
      const name = `Bob at ${moment}`
      const bob = world.person(name, { unsafeClock: clock, connect: false, expects: ['relay-fault'] })
      let isTold = false
      bob.wire.rewrite('down', (messages, socket) => {
        if (isTold || !(messages as Down[]).some(({ type }) => type === moment)) return messages
        isTold = true
        socket.deliver(frame())
        return messages
      })
      const typed = world.canary('typed')
      bob.doc.getText(name).insert(0, typed)
      bob.provider.connect()
      await passUntil(synced(bob), [clock])
      await passUntil(bob.provider.flush(), [clock])
      expect(isTold).toBe(true)
      expect(codesOf(bob)).toEqual(['relay-fault'])
      expect(bob.text.toString()).toBe('of Alice')
      await untilText(alice.doc, typed, name)
      bob.provider.destroy()
    }
  })
})

test('an entry with every first byte that it does not have: 255 other versions and kinds, one word, nothing applied', async () => {
  const alice = await aliceHasWritten()
  alice.doc.getText('second').insert(0, 'of Alice too')
  await alice.provider.flush()
  const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['tampered'] })
  showAnotherLog(bob.wire, (envelope, sequence) => {
    const others = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte, ...envelope.subarray(1)))
    return sequence === 1 ? [...others.filter(([byte]) => byte !== envelope[0]), envelope] : [envelope]
  })
  bob.provider.connect()
  await passUntil(synced(bob), [clock])
  await settle()
  expect(bob.text.toString()).toBe('of Alice')
  expect(bob.doc.getText('second').toString()).toBe('of Alice too')
  expect(bob.provider.counters.tampered).toBe(255)
  expect(codesOf(bob)).toEqual(['tampered'])
})
