import type { Down } from '@y-sealed/protocol'
import { encodeHeader } from '@y-sealed/protocol/header'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { Gate } from '../support/gate.ts'
import { heardBy, passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, isEntries, ofType, synced } from '../support/steps.ts'
import { retell } from '../support/two-faced-relay.ts'
import { startWorld, type World } from '../support/world.ts'

// Answers that come late, in an odd order or against the relay's own word: they cost time, and nothing else.

const SECOND_MS = 1_000

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

describe('the relay', () => {
  test('grants the lease and refuses what follows as busy, each time: the endpoint is not asked for keys without end', async () => {
    let asked = 0
    const ada = await world.joined('Ada', {
      unsafeClock: clock,
      keys: (request, options) => {
        if (request.after !== undefined) asked++
        return world.keys(request, options)
      },
    })
    ada.text.insert(0, 'text')
    await passUntil(ada.provider.flush(), [clock])
    retell(ada, (message) =>
      message.type === 'staged' || message.type === 'paused'
        ? [{ type: 'refused', channel: message.channel, request: message.request, code: 'busy', detail: '' }]
        : [message],
    )
    const isRefused = (): Promise<void> => ada.wire.untilPassed('down', ({ type }) => type === 'staged')
    let refused = isRefused()
    const rotated = ada.provider.rotateKey()
    const startMs = clock.now()
    while (asked < 6) {
      await patiently(refused, 'what follows the lease to be refused')
      refused = isRefused()
      await clock.advance(10 * SECOND_MS)
    }
    // It waits five seconds at least before it asks for the lease again.
    expect(clock.now() - startMs).toBeGreaterThanOrEqual((asked - 1) * 5 * SECOND_MS)
    await patiently(refused, 'the last refusal')
    expect(codesOf(ada)).toEqual([])
    ada.wire.rewrite('down', undefined)
    await passUntil(rotated, [clock])
    expect(await rotated).toMatchObject({ index: 1 })
    expect(await world.freshText()).toBe('text')
  })

  describe('sends awareness of an epoch that nobody has opened, before the key is here', () => {
    const { set } = Map.prototype
    afterEach(() => {
      Map.prototype.set = set
    })

    test('it is kept for that epoch once, and the page goes on', async () => {
      const ada = await world.joined('Ada')
      ada.provider.awareness.setLocalState({ name: 'Ada' })
      const gate = new Gate()
      const bob = world.person('Bob', {
        keys: async (request, options) => {
          await gate.pass()
          return world.keys(request, options)
        },
      })
      const session = 4_711
      // The header is public: a relay, which knows no key, can write one.
      const header = encodeHeader({ kind: 3, epochIndex: 5, salt: new Uint8Array(16), counter: 1 })
      const envelope = new Uint8Array(header.length + 64)
      envelope.set(header)
      retell(bob, (message) =>
        message.type === 'joined'
          ? [message, { type: 'awareness', channel: message.channel, session, envelope }]
          : [message],
      )
      await patiently(bob.wire.untilPassed('down', ofType('caught-up')), 'the document')
      // A loop in one turn would hang the whole test run: it is made to throw instead.
      let keptTimes = 0
      Map.prototype.set = function (key, value) {
        if (key === session && ++keptTimes > 100) throw new RangeError('kept again and again')
        return set.call(this, key, value)
      }
      gate.open()
      await patiently(synced(bob), 'Bob to go on')
      await settle()
      expect(keptTimes).toBeLessThanOrEqual(2)
      ada.provider.awareness.setLocalState({ name: 'Ada, again' })
      const { awareness } = bob.provider
      const isHeard = () => awareness.getStates().get(ada.doc.clientID)?.name === 'Ada, again'
      await untilTrue(awareness, 'change', isHeard, 'Ada to be heard')
    })
  })

  test('lost entries of an epoch with a checkpoint, which comes slowly while others type: it is asked for once, and all is there', async () => {
    const ada = await world.joined('Ada', { expects: ['rollback'] })
    ada.text.insert(0, 'kept. ')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    await synced(ada)
    ada.text.insert(6, 'lost. ')
    await ada.provider.flush()
    await world.stopRelay()
    restore()
    ada.wire.unplug()
    await world.startRelay()
    const bob = await world.joined('Bob')
    const kept: (() => void)[] = []
    ada.wire.rewrite('down', (messages, socket) => {
      const checkpoint = messages.filter(ofType('checkpoint'))
      if (checkpoint.length > 0) kept.push(() => socket.deliver(checkpoint as Down[]))
      return messages.filter((message) => !checkpoint.includes(message))
    })
    const isRolledBack = until(ada.provider, 'rollback')
    const isOnItsWay = ada.wire.untilPassed('down', ofType('checkpoint'))
    ada.wire.plug()
    await isRolledBack
    await patiently(isOnItsWay, 'the checkpoint')
    for (let letter = 0; letter < 20; letter++) {
      const heard = ada.wire.untilPassed('down', isEntries)
      bob.text.insert(0, 'b')
      await patiently(heard, 'what Bob types to be told')
      await settle()
    }
    const back = synced(ada)
    for (const deliver of kept) deliver()
    ada.wire.rewrite('down', undefined)
    await back
    await untilEqual([ada.doc, bob.doc])
    await ada.provider.flush()
    expect(bob.text.toString()).toBe(`${'b'.repeat(20)}kept. lost. `)
    expect(await world.freshText()).toBe(bob.text.toString())
    expect(saidBy(ada).filter(ofType('fetch'))).toHaveLength(1)
    expect(codesOf(ada)).toEqual(['rollback'])
    expect(ada.provider.counters['relay-fault'] ?? 0).toBe(0)
  })
})

describe('the endpoint', () => {
  test('is slow with the look at the old key and with the new key: a reader waits for both, and is not held with a rollback', async () => {
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'text')
    await ada.provider.flush()
    const hint = ada.provider.epoch?.keyHint
    const look = new Gate()
    const newKey = new Gate()
    let isLooking = false
    const rita = await world.joined('Rita', {
      unsafeClock: clock,
      keys: async (request, options) => {
        if (request.keyHint === hint && isLooking) await look.pass()
        if (request.keyHint !== null && request.keyHint !== hint) await newKey.pass()
        return world.keys(request, options)
      },
    })
    // She comes back as a reader, who is not asked to rotate.
    retell(rita, (message) => [message.type === 'joined' ? { ...message, role: 'read' } : message])
    const back = until(rita.provider, 'sync', (isSynced) => isSynced === true)
    rita.wire.cut()
    await passUntil(back, [clock])
    await clock.advance(60 * SECOND_MS)
    isLooking = true
    world.recheck()
    await patiently(look.reached, 'the look at the old key')
    await ada.provider.rotateKey()
    await patiently(newKey.reached, 'the new key to be asked for')
    look.open()
    // Longer than a record that is on its way takes.
    for (let second = 0; second < 10; second++) await clock.advance(SECOND_MS)
    newKey.open()
    await passUntil(untilEpoch(rita, 1), [clock])
    ada.text.insert(4, ' goes on')
    await untilText(rita.doc, 'text goes on')
    expect(codesOf(rita)).toEqual([])
    expect(heardBy(rita).filter(ofType('joined'))).toHaveLength(2)
  })
})
