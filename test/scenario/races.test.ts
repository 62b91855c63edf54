import type { RefusalCode } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { countersBySalt, isGapless } from '../support/log-order.ts'
import { passUntil } from '../support/rotation-steps.ts'
import { isAck, isAppend, isEntries, nextSync, someProblem, synced } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// The ways in which a naive outbox loses an edit, each as the list of events in which it does.

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

/** The relay refuses the next appends, so that it stores none of them. */
function refuseAppends({ wire }: Person, code: RefusalCode, times: number): void {
  let left = times
  wire.rewrite('up', (messages, socket) => {
    const [message] = messages
    if (message?.type !== 'append' || !('envelopes' in message) || left === 0) return messages
    left--
    const { channel, request } = message
    setImmediate(() => socket.deliver([{ type: 'refused', channel, request, code, detail: 'by the test' }]))
    return []
  })
}

describe('M1: an append is refused, and a later one accepted', () => {
  test.each<[RefusalCode, number]>([
    ['out-of-order', 1],
    ['out-of-order', 3],
    ['internal', 1],
    ['paused', 1],
    ['paused', 2],
  ])(
    'refused with %s, %i time(s), while more is typed: nothing overtakes, nobody waits for ever',
    async (code, times) => {
      const alice = await world.joined('Alice')
      const bob = await world.joined('Bob')
      refuseAppends(alice, code, times)
      const refused = alice.wire.untilPassed('up', isAppend)
      alice.text.insert(0, 'a')
      await refused
      for (const letter of 'bcdef') {
        alice.text.insert(alice.text.length, letter)
        await settle()
      }
      await patiently(alice.provider.flush(), 'all of it to be durable')
      await untilText(bob.doc, 'abcdef')
      expect(await world.freshText()).toBe('abcdef')
      expect(isGapless(await world.log())).toBe(true)
    },
  )

  test('refused with limit: kept, said once, and sent together with the next change under a new sealer', async () => {
    const alice = await world.joined('Alice', { expects: ['limit'] })
    const bob = await world.joined('Bob')
    alice.text.insert(0, 'before ')
    await alice.provider.flush()
    refuseAppends(alice, 'limit', 1)
    alice.text.insert(7, 'too much ')
    await someProblem(alice)
    await settle()
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    await expect(alice.provider.flush()).rejects.toMatchObject({ code: 'limit' })
    expect(await world.freshText()).toBe('before ')
    alice.text.insert(alice.text.length, 'after')
    await untilText(bob.doc, 'before too much after')
    await alice.provider.flush()
    const log = await world.log()
    expect(countersBySalt(log)).toEqual([[1], [1]])
    expect(isGapless(log)).toBe(true)
  })

  test('refused with limit, then undone: what was too much is never sent', async () => {
    const alice = await world.joined('Alice', { expects: ['limit'] })
    refuseAppends(alice, 'limit', 1)
    alice.text.insert(0, 'too much')
    await someProblem(alice)
    alice.text.delete(0, 8)
    await patiently(
      untilTrue(alice.provider, 'sync-status', () => !alice.provider.hasUnsyncedChanges),
      'green again',
    )
    alice.text.insert(0, 'little')
    await alice.provider.flush()
    expect(await world.freshText()).toBe('little')
  })

  test('typed offline after something unacked: after the reconnect the older goes first, in one append', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.wire.drop('up', isAppend)
    const lost = alice.wire.untilPassed('up', isAppend)
    alice.text.insert(0, 'older ')
    await lost
    alice.wire.unplug()
    alice.text.insert(6, 'newer')
    alice.wire.plug()
    await untilText(bob.doc, 'older newer')
    await alice.provider.flush()
    expect(isGapless(await world.log())).toBe(true)
  })
})

describe('M2: an append travels on a connection that its sender has given up', () => {
  /** Alice's append is on its way when she takes the connection for broken; the relay does not. */
  async function typedIntoHalfOpen(options: PersonOptions = {}): Promise<Person> {
    const alice = await world.joined('Alice', options)
    alice.wire.hold('up', isAppend)
    const sent = alice.wire.untilPassed('up', isAppend)
    alice.text.insert(0, 'a')
    await sent
    alice.wire.halfOpen()
    return alice
  }

  test('it arrives after she has sent it again: stored twice at most, there once for everybody', async () => {
    const bob = await world.joined('Bob')
    const alice = await typedIntoHalfOpen()
    await patiently(alice.provider.flush(), 'the second attempt to be durable')
    alice.wire.release('up')
    alice.text.insert(1, 'b')
    await alice.provider.flush()
    await untilText(bob.doc, 'ab')
    expect(alice.text.toString()).toBe('ab')
    expect(await world.freshText()).toBe('ab')
    expect(isGapless(await world.log())).toBe(true)
  })

  test('the same with a sealer whose first entry was acked: its second one is no gap to her who sealed it', async () => {
    const clock = new FakeClock(Date.now())
    const bob = await world.joined('Bob')
    const alice = await world.joined('Alice', { unsafeClock: clock })
    alice.text.insert(0, 'a')
    await alice.provider.flush()
    alice.wire.hold('up', isAppend)
    const sent = alice.wire.untilPassed('up', isAppend)
    alice.text.insert(1, 'b')
    await sent
    alice.wire.halfOpen()
    const back = nextSync(alice)
    await clock.advance(5_000)
    await back
    await alice.provider.flush()
    const arrived = alice.wire.untilPassed('down', isEntries)
    alice.wire.release('up')
    await arrived
    await clock.advance(30_000)
    await untilText(bob.doc, 'ab')
    expect(alice.problems).toEqual([])
    expect(isGapless(await world.log())).toBe(true)
  })

  test('it arrives before she is back: catch-up shows it, and nothing is sent again', async () => {
    // Her own, which stands still: she does not come back before it has arrived.
    const clock = new FakeClock(Date.now())
    const alice = await typedIntoHalfOpen({ unsafeClock: clock })
    const bob = await world.joined('Bob')
    alice.wire.release('up')
    await untilText(bob.doc, 'a')
    await passUntil(synced(alice), [clock])
    await patiently(alice.provider.flush(), 'green')
    expect(await world.log()).toHaveLength(1)
  })

  test('it never arrives: sent again under another sealer', async () => {
    const alice = await typedIntoHalfOpen()
    await patiently(alice.provider.flush(), 'the second attempt to be durable')
    expect(await world.freshText()).toBe('a')
    expect(countersBySalt(await world.log())).toEqual([[1]])
  })
})

describe('M4: the law: all content of a live document is in the log, or in the outbox of somebody who has it', () => {
  test('what a local store put into the document, before or after connecting, is sent', async () => {
    const stored = new Y.Doc()
    stored.getText('text').insert(0, 'from the disk')
    const alice = await world.joined('Alice')
    Y.applyUpdate(alice.doc, Y.encodeStateAsUpdate(stored), 'local store')
    await alice.provider.flush()
    const bob = await world.joined('Bob')
    bob.text.insert(13, ', read')
    await bob.provider.flush()
    expect(await world.freshText()).toBe('from the disk, read')
  })

  test('a delete that only this document knows of is sent, and nothing else', async () => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'keep. take back.')
    await alice.provider.flush()
    alice.provider.disconnect()
    alice.text.delete(5, 11)
    alice.provider.connect()
    await synced(alice)
    await alice.provider.flush()
    expect(await world.log()).toHaveLength(2)
    expect(await world.freshText()).toBe('keep.')
  })
})

describe('M5: an edit rests on what came by another road', () => {
  test('another tab’s words arrive, are written on, and the other tab dies before it sends them', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.wire.hold('up', isAppend)
    alice.text.insert(0, 'a')
    Y.applyUpdate(bob.doc, Y.encodeStateAsUpdate(alice.doc), 'another tab')
    bob.text.insert(1, 'b')
    alice.wire.unplug()
    alice.provider.destroy()
    await bob.provider.flush()
    expect(await world.freshText()).toBe('ab')
  })
})

describe('the connection breaks at every step of an append', () => {
  test.each([
    ['the append never arrives', 'up', isAppend],
    ['the ack never arrives', 'down', isAck],
  ] as const)('%s, ten times in a row: every edit is there once', async (_, direction, matches) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    let expected = ''
    for (let round = 0; round < 10; round++) {
      alice.wire.cutAt(direction, matches)
      const back = nextSync(alice)
      alice.text.insert(alice.text.length, `${round} `)
      expected += `${round} `
      await back
      await alice.provider.flush()
    }
    await untilText(bob.doc, expected)
    expect(await world.freshText()).toBe(expected)
    expect(isGapless(await world.log())).toBe(true)
    await untilEqual([alice.doc, bob.doc])
  })
})
