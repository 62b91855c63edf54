import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { epochsOf, heardBy, untilEpoch } from '../support/rotation-steps.ts'
import { ofType, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// An app may end a session, or the provider, in any listener: in the middle of passing into an epoch, too.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld()
})
afterEach(() => world.close())

/** The session has ended and stays so; the next one has all that others wrote meanwhile. */
async function expectLeft(person: Person, other: Person): Promise<void> {
  other.text.insert(0, 'after. ')
  await other.provider.flush()
  await settle()
  expect(person.provider.wsconnected).toBe(false)
  expect(person.text.toString()).not.toContain('after. ')
  person.provider.connect()
  await untilEqual([person.doc, other.doc])
  await synced(person)
}

describe('somebody else rotates the key', () => {
  test('a listener of `epoch` calls disconnect(): the session has ended, and connect() begins another', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    bob.provider.once('epoch', () => bob.provider.disconnect())
    await ada.provider.rotateKey()
    await untilEpoch(bob, 1)
    await expectLeft(bob, ada)
  })

  test('a listener of `epoch` calls destroy(): no timer stays', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob', { unsafeClock: clock })
    const entered = until(bob.provider, 'epoch')
    bob.provider.once('epoch', () => bob.provider.destroy())
    await ada.provider.rotateKey()
    await entered
    await settle()
    expect(clock.waiting).toBe(0)
    expect(bob.wire.openSockets).toEqual([])
  })

  test('an observer of the document calls disconnect() while a checkpoint is applied: connect() begins another session', async () => {
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'text')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    const bob = world.person('Bob')
    bob.doc.once('update', () => bob.provider.disconnect())
    await untilText(bob.doc, 'text')
    await expectLeft(bob, ada)
  })
})

describe('the rotator leaves and comes back while it holds the lease', () => {
  test.each([
    ['nobody types', false],
    ['its user types', true],
  ])('its rotation does not wait for its own lease: %s', async (_, isTyping) => {
    // Two frames of staging, so that there is something between them.
    const LONG_TEXT = 'x'.repeat(300 * 1024)
    const ada = await world.joined('Ada')
    ada.doc.getText('long').insert(0, LONG_TEXT)
    await ada.provider.flush()
    let hasLeft = false
    ada.wire.rewrite('down', (messages) => {
      if (!hasLeft && messages.some(ofType('staged'))) {
        hasLeft = true
        setImmediate(() => {
          ada.provider.disconnect()
          ada.provider.connect()
        })
      }
      return messages
    })
    let isOver = false
    const rotated = ada.provider.rotateKey().finally(() => {
      isOver = true
    })
    const typing = (async () => {
      while (isTyping && !isOver) {
        ada.text.insert(ada.text.length, 'a')
        await settle()
      }
    })()
    expect(await patiently(rotated, 'the rotation')).toMatchObject({ index: 1 })
    await typing
    expect(hasLeft).toBe(true)
    // Somebody else's lease would have been waited for.
    expect(heardBy(ada).filter((message) => message.type === 'refused' && message.code === 'busy')).toEqual([])
    await ada.provider.flush()
    expect(await epochsOf(world)).toHaveLength(2)
    expect(await world.freshText()).toBe(ada.text.toString())
  })
})
