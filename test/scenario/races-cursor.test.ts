import type { Down } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { isAck, isEntries } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

// The ways in which a naive cursor skips an entry.

let world: World
let relayClock: FakeClock
beforeEach(async () => {
  relayClock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock })
})
afterEach(() => world.close())

describe('M6: an ack names a sequence beyond an entry that never came', () => {
  test('the cursor does not jump: the missing entry is read again, and no word is said about it', async () => {
    const clock = new FakeClock(Date.now())
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { unsafeClock: clock })
    bob.wire.drop('down', isEntries)
    const lost = bob.wire.untilPassed('down', isEntries)
    alice.text.insert(0, 'a')
    await lost
    const acked = bob.wire.untilPassed('down', isAck)
    bob.doc.getText('mine').insert(0, 'b')
    await acked
    await settle()
    expect(bob.text.toString()).toBe('')
    await clock.advance(3_000)
    await untilText(bob.doc, 'a')
    await patiently(bob.provider.flush(), 'the own edit to be durable')
    bob.text.insert(1, '!')
    await bob.provider.flush()
    expect(await world.freshText()).toBe('a!')
  })

  test('the ack comes first and the entry later: each is taken at its place', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    const late: Down[] = []
    bob.wire.rewrite('down', (messages) => {
      const entries = (messages as Down[]).filter(isEntries)
      late.push(...entries)
      return messages.filter((message) => !isEntries(message))
    })
    const sent = bob.wire.untilPassed('down', isEntries)
    alice.text.insert(0, 'a')
    await sent
    const acked = bob.wire.untilPassed('down', isAck)
    bob.doc.getText('mine').insert(0, 'b')
    await acked
    bob.wire.rewrite('down', undefined)
    bob.wire.openSockets[0]?.deliver(late)
    await untilText(bob.doc, 'a')
    await patiently(bob.provider.flush(), 'the own edit to be durable')
    expect(bob.provider.counters.replayed).toBeUndefined()
  })

  test('the connection breaks in the middle of catching up: it goes on where it stopped', async () => {
    const alice = await world.joined('Alice')
    // Two appends of parts: more than one frame holds.
    for (const letter of 'ab') {
      alice.text.insert(alice.text.length, letter.repeat(700 * 1024))
      await alice.provider.flush()
    }
    const bob = world.person('Bob', { connect: false })
    let frames = 0
    bob.wire.cutAt('down', (message) => isEntries(message) && ++frames === 2)
    bob.provider.connect()
    await patiently(bob.provider.whenSynced, 'Bob to have all of it')
    expect(bob.text.length).toBe(1_400 * 1024)
    expect(bob.wire.sockets.length).toBe(2)
  })

  test('the last fan-out is lost and nobody writes any more: the relay’s heartbeat tells', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    bob.wire.drop('down', isEntries)
    const lost = bob.wire.untilPassed('down', isEntries)
    alice.text.insert(0, 'the last word')
    await lost
    await settle()
    expect(bob.text.toString()).toBe('')
    await relayClock.advance(5_000)
    await untilText(bob.doc, 'the last word')
  })
})
