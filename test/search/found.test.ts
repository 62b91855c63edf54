import { parseEpochRecord } from '@y-sealed/envelope'
import type { Down } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patiently, until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Gate } from '../support/gate.ts'
import { heardBy, passUntil, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, isAppend, isEntries, ofType } from '../support/steps.ts'
import { channelOf, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What the search has found, against the real relay: an honest one, whose words only take their time.

const SECOND_MS = 1_000

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld()
})
afterEach(() => world.close())

const isRecord = ofType('record')

/** Keeps back what the relay says to somebody, from the next such message on, until it is given back. */
function keepBack(person: Person, isKept: (message: Down) => boolean): () => void {
  const kept: Down[] = []
  retell(person, (message) => {
    if (!isKept(message)) return [message]
    kept.push(message)
    return []
  })
  return () => {
    person.wire.rewrite('down', undefined)
    for (const socket of person.wire.openSockets) socket.deliver(kept)
  }
}

/** A connection that was not begun anew, and nobody accused. */
function expectCalm(person: Person): void {
  expect(codesOf(person)).toEqual([])
  expect(heardBy(person).filter(ofType('joined'))).toHaveLength(1)
}

describe('a refusal overtakes the records that wait for their place in the log', () => {
  test('two epochs were opened since: what was typed is in the second, and the relay is not distrusted', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    ada.wire.hold('up', isAppend)
    ada.text.insert(0, 'late')
    const giveBack = keepBack(ada, isRecord)
    await bob.provider.rotateKey()
    await bob.provider.rotateKey()
    const refused = ada.wire.untilPassed('down', ofType('refused'))
    ada.wire.release('up')
    await patiently(refused, 'the refusal')
    giveBack()
    await untilText(bob.doc, 'late')
    expectCalm(ada)
  })
})

describe('the endpoint tells of an epoch before the relay does', () => {
  const expects = ['rollback']

  /** Asks the endpoint, and waits longer than a record that is on its way takes. */
  async function looks(): Promise<void> {
    world.recheck()
    for (let second = 0; second < 10; second++) await clock.advance(SECOND_MS)
  }

  test('to the member that has opened it, and has not heard of that yet: it goes on in its own epoch', async () => {
    const ada = await world.joined('Ada', { unsafeClock: clock })
    const bob = await world.joined('Bob')
    keepBack(ada, ofType('opened'))
    const rotated = ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await looks()
    await passUntil(rotated, [clock])
    ada.text.insert(0, 'Ada')
    await untilText(bob.doc, 'Ada')
    expect(codesOf(ada)).toEqual([])
  })

  test('and the relay in the end: what it had said meanwhile is read again', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob', { unsafeClock: clock, expects })
    const giveBack = keepBack(bob, (message) => isRecord(message) || isEntries(message) || message.type === 'refused')
    ada.text.insert(0, 'before')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(6, ' and after')
    await ada.provider.flush()
    const held = until(bob.provider, 'rollback')
    await looks()
    await held
    giveBack()
    await untilText(bob.doc, 'before and after')
    bob.text.insert(0, 'well ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, 'well before and after')
    expect(heardBy(bob).filter(ofType('joined'))).toHaveLength(1)
  })

  test('and the relay in the end, to whom the first epoch was shown twice: the chain is whole all the same', async () => {
    const key = new Gate()
    let isAsked = false
    const bob = world.person('Bob', {
      unsafeClock: clock,
      expects,
      keys: async (request, options) => {
        if (isAsked) await key.pass()
        return world.keys(request, options)
      },
    })
    // He has asked to open the document when somebody else does.
    bob.wire.hold('up', ofType('open'))
    await passUntil(bob.wire.untilPassed('up', ofType('open')), [clock])
    isAsked = true
    const ada = await world.joined('Ada')
    const giveBack = keepBack(bob, (message) => isRecord(message) && indexOf(message) > 0)
    const refused = bob.wire.untilPassed('down', ofType('refused'))
    bob.wire.release('up')
    await patiently(refused, 'the refusal')
    // The refusal has shown him the record; the log shows it too, in its place.
    const [record = new Uint8Array(0)] = await world.records()
    const told: Down = { type: 'record', channel: channelOf(bob), record, sequence: 0, hash: new Uint8Array(8) }
    for (const socket of bob.wire.openSockets) socket.deliver([told])
    ada.text.insert(0, 'text')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(4, ' goes on')
    await ada.provider.flush()
    await patiently(key.reached, 'Bob to ask for the key')
    const held = until(bob.provider, 'rollback')
    key.open()
    await passUntil(held, [clock])
    giveBack()
    await passUntil(untilText(bob.doc, 'text goes on'), [clock])
    expect(heardBy(bob).filter(ofType('joined'))).toHaveLength(1)
  })
})

function indexOf(message: Down): number {
  return message.type === 'record' ? parseEpochRecord(message.record).index : -1
}
