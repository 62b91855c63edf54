import { EventEmitter } from 'node:events'
import type { Down } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeyAnswer, KeyError, type KeySource } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { withActive } from '../support/key-sources.ts'
import { epochsOf, heardBy, indexesOf, passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, isAppend, ofType, someProblem, synced } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World, type WorldOptions } from '../support/world.ts'

// The key is retired, or about to be: nothing is sealed with it any more, nothing is lost, and nobody goes round in circles.

const SECOND_MS = 1_000

let world: World
let clock: FakeClock
beforeEach(() => {
  clock = new FakeClock(Date.now())
})
afterEach(() => world.close())

async function alone(options: PersonOptions = {}, worldOptions: WorldOptions = {}): Promise<Person> {
  world = await startWorld(worldOptions)
  const ada = world.person('Ada', { unsafeClock: clock, ...options })
  await passUntil(synced(ada), [clock])
  return ada
}

describe('the endpoint says that the key is retired', () => {
  test('of every key, new ones included: it is asked with back-off, however much others write, and no epoch is opened', async () => {
    let asked = 0
    const ada = await alone({
      expects: ['rotation-unsupported'],
      keys: (request, options) => {
        asked++
        return withActive(world.keys, () => false)(request, options)
      },
    })
    // He hears of none of it.
    const bob = await world.joined('Bob', { keys: withActive(world.keys, () => true) })
    for (let second = 0; second < 600; second++) {
      bob.text.insert(0, 'b')
      await clock.advance(SECOND_MS)
    }
    await untilText(ada.doc, 'b'.repeat(600))
    expect(await epochsOf(world)).toHaveLength(1)
    expect(codesOf(ada)).toEqual(['rotation-unsupported'])
    // Doubling to 30 s: some thirty times in ten minutes, with three questions each.
    expect(asked).toBeGreaterThan(20)
    expect(asked).toBeLessThan(150)
    expect(saidBy(ada).filter(isAppend)).toEqual([])
  })

  test('and makes no other for this member: neither edits nor awareness leave, the goodbye included, until it is in use again', async () => {
    let isRetired = false
    const ada = await alone({
      expects: ['key-rotated'],
      keys: async (request, options) => {
        if (isRetired && request.keyHint === null) throw new KeyError('key-refused', 'this member may not rotate')
        return withActive(world.keys, () => !isRetired)(request, options)
      },
    })
    const bob = await world.joined('Bob')
    isRetired = true
    world.recheck()
    await passUntil(someProblem(ada), [clock])
    const isSealed = (message: Parameters<typeof isAppend>[0]): boolean =>
      isAppend(message) || ofType('awareness')(message)
    const before = saidBy(ada).filter(isSealed).length
    ada.text.insert(0, 'waits as plaintext')
    ada.provider.awareness.setLocalState({ selected: 'what a removed member should not read' })
    await clock.advance(SECOND_MS)
    bob.provider.awareness.setLocalState({ selected: 'is heard all the same' })
    await untilTrue(ada.provider.awareness, 'change', () => ada.provider.awareness.getStates().has(bob.doc.clientID))
    ada.provider.disconnect()
    await settle()
    ada.provider.connect()
    await passUntil(synced(ada), [clock])
    await clock.advance(SECOND_MS)
    expect(saidBy(ada).filter(isSealed)).toHaveLength(before)
    isRetired = false
    await passUntil(ada.provider.flush(), [clock])
    await untilText(bob.doc, 'waits as plaintext')
    await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(ada.doc.clientID))
    expect(codesOf(ada)).toEqual(['key-rotated'])
  })
})

describe('what cannot be appended any more', () => {
  test('is an edit over the limit: the key is rotated all the same, and what the log has is in the new epoch', async () => {
    const ada = await alone({ expects: ['limit'], padding: false }, { relayLimits: { maxAppendBytes: 600_000 } })
    ada.text.insert(0, 'small')
    await passUntil(ada.provider.flush(), [clock])
    ada.doc.getMap('map').set('big', 'x'.repeat(700_000))
    await expect(ada.provider.flush()).rejects.toMatchObject({ code: 'limit' })
    const rotated = ada.provider.rotateKey()
    await passUntil(rotated, [clock])
    expect(await rotated).toMatchObject({ index: 1 })
    expect(ada.provider.hasUnsyncedChanges).toBe(true)
    expect(await world.freshText()).toBe('small')
  })

  test.each([
    ['it has been sent', false],
    ['the key is known to be retired', true],
  ])('waits for flushDelay when a rotation begins, and goes on once %s', async (_, isNudged) => {
    const desk = new EventEmitter()
    const keys: KeySource = async (request, options) => {
      const answer = await world.keys(request, options)
      if (request.after !== undefined) desk.emit('minted')
      return answer
    }
    const ada = await alone({ flushDelay: 2 * SECOND_MS, keys })
    ada.text.insert(0, 'typed a moment ago')
    const minted = until(desk, 'minted')
    const rotated = ada.provider.rotateKey()
    await patiently(minted, 'the key of the next epoch')
    await settle()
    if (isNudged) world.recheck()
    await passUntil(rotated, [clock])
    expect(await rotated).toMatchObject({ index: 1 })
    await passUntil(ada.provider.flush(), [clock])
    expect(await epochsOf(world)).toHaveLength(2)
    expect(await world.freshText()).toBe('typed a moment ago')
  })
})

describe('the log is sealed for the next epoch while a retired key’s user types', () => {
  /** Keys that are stretched: deriving one takes some turns, in which others write. */
  function passphrases(): KeySource {
    let made = 0
    return async ({ keyHint, after }): Promise<KeyAnswer> => {
      if (keyHint === null && (made === 0 || after === String(made))) made++
      const hint = keyHint ?? String(made)
      return { key: `a passphrase, the ${hint}`, keyHint: hint, active: true }
    }
  }

  test.each(['before', 'after'])(
    'somebody writes right %s the look at it ends: that is in the next epoch too',
    async (when) => {
      world = await startWorld()
      const expects = ['key-weak']
      const keys = passphrases()
      let retired: string | undefined
      const ada = await world.joined('Ada', {
        expects,
        keys: withActive(keys, (hint) => hint !== retired),
      })
      const bob = await world.joined('Bob', { expects, keys })
      ada.text.insert(0, 'begin. ')
      await ada.provider.flush()
      await untilEqual([ada.doc, bob.doc])

      let looks = 0
      ada.wire.rewrite('down', (messages, socket) => {
        // Typed while the key is retired: it waits for the next epoch, and the checkpoint is made without it.
        if (messages.some(ofType('leased'))) ada.doc.getText('ada').insert(0, 'waits')
        const ends = messages.filter((message) => message.type === 'caught-up' && message.request > 0)
        if (ends.length === 0 || ++looks > 1) return messages
        bob.text.insert(bob.text.length, 'and goes on. ')
        if (when === 'after') return messages
        const told = ada.wire.untilPassed('down', ofType('entries'))
        told.then(() => socket.deliver(ends as Down[]))
        return messages.filter((message) => !ends.includes(message))
      })
      retired = ada.provider.epoch?.keyHint
      world.recheck()
      await untilEpoch(ada, 1)
      await untilEpoch(bob, 1)
      await Promise.all([ada.provider.flush(), bob.provider.flush()])
      // One look is enough, whatever comes in between.
      expect(looks).toBe(1)
      bob.text.insert(0, 'Later: ')
      await untilText(ada.doc, 'Later: begin. and goes on. ')
      const carol = await world.joined('Carol', { expects, keys })
      await untilEqual([ada.doc, bob.doc, carol.doc])
      expect(carol.doc.getText('ada').toString()).toBe('waits')
      const indexes = indexesOf(await world.log())
      expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
      expect(heardBy(ada).filter((message) => message.type === 'refused')).toEqual([])
    },
  )
})
