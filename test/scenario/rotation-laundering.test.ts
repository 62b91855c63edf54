import { hashPrefix } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { forgedEntry, hashAfter, keptKeys, shownForgery } from '../support/removed-member.ts'
import { passUntil, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, nextSync, ofType, synced } from '../support/steps.ts'
import { adaAndBob, BEFORE, becomesHonest, channelOf, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// A removed member has the keys of its time, and a relay on its side. What they show to one member must not get into the next epoch through it.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

describe('a removed member writes on under the old key, and the relay shows it to one member', () => {
  async function expectNotLaundered(ada: Person): Promise<void> {
    const reader = await world.joined('fresh reader')
    for (const { doc } of [ada, reader]) {
      expect(doc.share.has('forged') && doc.getText('forged').toString()).toBeFalsy()
      expect(doc.store.pendingStructs).toBe(null)
      expect(doc.store.pendingDs).toBe(null)
    }
  }

  test('before the next epoch: he says fork, and does not carry it over; what he typed himself he does', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    bob.wire.hold('up', ofType('append'))
    bob.text.insert(0, 'typed by Bob. ')
    await ada.provider.rotateKey()
    bob.wire.release('up')
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['fork'])
    await untilText(ada.doc, `typed by Bob. ${BEFORE}`)
    ada.text.insert(0, 'and on. ')
    await untilText(bob.doc, `and on. typed by Bob. ${BEFORE}`)
    await expectNotLaundered(ada)
  })

  test('he does not carry it over on the next connection either, nor with a rotation of his own', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    bob.text.insert(0, 'typed by Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await expect(bob.provider.rotateKey()).rejects.toMatchObject({ code: 'fork' })
    await expectNotLaundered(ada)
  })

  test('and what he writes next to it himself cannot be had by the others: he is told, and nothing else of his gets lost', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    bob.text.insert(0, 'typed by Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, `typed by Bob. ${BEFORE}`)
    bob.doc.getText('forged').insert(3, 'leaning on it')
    await expect(bob.provider.flush()).rejects.toMatchObject({ code: 'fork' })
    await expectNotLaundered(ada)
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
  })

  test('then the relay claims to have lost it, and takes his repair of it: that does not make it his', async () => {
    const { ada, bob } = await adaAndBob(world, clock, 'fork', 'rollback')
    const [record] = await world.records()
    const [first] = await world.log()
    if (record === undefined || first === undefined) throw new Error('there is an epoch with an entry')
    await ada.provider.rotateKey()
    // For Bob there is only epoch 0. `end`: where its log ends, as he is told.
    let end = { sequence: 1, hash: hashPrefix(hashAfter(record, [first])) }
    retell(bob, (message) => {
      if (message.type === 'record' || message.type === 'awareness') return []
      if (message.type === 'entries' && message.first > 1) return []
      if (message.type === 'joined') {
        // The later epoch's checkpoints are no part of the story that he is told.
        const { newest: _, base: __, ...rest } = message
        return [{ ...rest, ...end, records: [] }]
      }
      return [message.type === 'caught-up' ? { ...message, ...end } : message]
    })
    bob.wire.rewrite('up', (messages, socket) => {
      const [message] = messages
      if (message?.type !== 'append' || !('envelopes' in message)) return messages
      const { channel, request, envelopes } = message
      const stored = envelopes.map(({ envelope }, i) => ({ sequence: 2 + i, envelope }))
      end = { sequence: 1 + stored.length, hash: hashPrefix(hashAfter(record, [first, ...stored])) }
      setImmediate(() => socket.deliver([{ type: 'ack', channel, request, count: stored.length, ...end }]))
      return []
    })
    const forgery = await forgedEntry(await keptKeys(world, record), record, [first], 'laundered')
    bob.wire.openSockets[0]?.deliver([
      { type: 'entries', channel: channelOf(bob), first: 2, hashBefore: forgery.hashBefore, entries: [forgery.entry] },
    ])
    await untilText(bob.doc, 'laundered', 'forged')
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['rollback'])
    bob.wire.rewrite('up', undefined)
    await becomesHonest(world, clock, bob, { index: 1, text: BEFORE })
    expect(codesOf(bob)).toEqual(['rollback', 'fork'])
    await expectNotLaundered(ada)
  })

  test('while he is offline, so that he meets it and the next epoch in one join', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    bob.wire.unplug()
    bob.text.insert(0, 'typed offline. ')
    await ada.provider.rotateKey()
    ada.text.insert(ada.text.length, 'after it.')
    await ada.provider.flush()
    bob.wire.plug()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['fork'])
    await untilText(ada.doc, `typed offline. ${BEFORE}after it.`)
    await expectNotLaundered(ada)
  })
})
