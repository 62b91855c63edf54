import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeySource } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Gate } from '../support/gate.ts'
import { withoutRecords } from '../support/key-sources.ts'
import { epochsOf, passUntil } from '../support/rotation-steps.ts'
import { codesOf, ofType, synced } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// The relay shows another document than the one that devices know, and a person decides: rotateKey({ force: true }). See also rotation-rescue.test.ts.

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

const expects = ['rollback']
const force = ({ provider, name }: Person) => patiently(provider.rotateKey({ force: true }), `${name}'s decision`)
const durable = (...people: Person[]) =>
  patiently(Promise.all(people.map(({ provider }) => provider.flush())), 'everything to be durable')

/** The relay starts, and these people find that it shows another document. */
async function startsAndHolds(...people: Person[]): Promise<void> {
  const held = people.map(({ provider }) => until(provider, 'rollback'))
  await world.startRelay()
  for (const { wire } of people) wire.plug()
  await Promise.all(held)
}

/** The relay stands still, with a backup made in epoch 0; Ada and Bob are in epoch 1, and have what was written in it. */
async function restored(options: PersonOptions = {}): Promise<{ ada: Person; bob: Person }> {
  const ada = await world.joined('Ada', { expects, ...options })
  ada.text.insert(0, 'first. ')
  await ada.provider.flush()
  await world.stopRelay()
  const restore = world.backup()
  await world.startRelay()
  const bob = await world.joined('Bob', { expects, ...options })
  await synced(ada)
  await ada.provider.rotateKey()
  bob.text.insert(bob.text.length, 'second. ')
  await bob.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  await world.stopRelay()
  restore()
  return { ada, bob }
}

describe('the relay is restored from a backup of the epoch before', () => {
  test('two people decide in the same moment: there is one new epoch, and both go on in it', async () => {
    const { ada, bob } = await restored()
    await startsAndHolds(ada, bob)
    const epochs = await Promise.all([force(ada), force(bob)])
    expect(epochs[1]).toEqual(epochs[0])
    expect((await epochsOf(world)).map(({ index }) => index)).toEqual([0, 2])
    for (const { text, name } of [ada, bob]) text.insert(text.length, `${name} goes on. `)
    await durable(ada, bob)
    await untilEqual([ada.doc, bob.doc])
    const text = await world.freshText()
    expect(text).toBe(ada.text.toString())
    for (const words of ['first. ', 'second. ', 'Ada goes on. ', 'Bob goes on. ']) expect(text).toContain(words)
  })

  test('all pages were reloaded, so that nobody has seen the epoch that it lost: one of them may decide all the same', async () => {
    const { ada, bob } = await restored()
    ada.provider.destroy()
    bob.provider.destroy()
    await world.startRelay()
    // The record of what the endpoint knows of may be on its way: she waits a little.
    const clock = new FakeClock(Date.now())
    const carol = world.person('Carol', { expects, unsafeClock: clock })
    await passUntil(until(carol.provider, 'rollback'), [clock])
    const { index, keyHint } = await force(carol)
    expect(index).toBe(1)
    const hints = (await epochsOf(world)).map((epoch) => epoch.keyHint)
    expect(hints).toHaveLength(2)
    expect(hints[1]).toBe(keyHint)
    // The lost epoch's key is left as well: three were made.
    expect(await world.keyAct('list')).toMatchObject({ keys: { length: 3 } })
    expect(await world.freshText()).toBe('first. ')
  })

  test('the connection breaks before the lease is asked for: the decision holds, and all that the device has is brought', async () => {
    const { ada, bob } = await restored()
    bob.provider.destroy()
    await startsAndHolds(ada)
    ada.wire.cutAt('up', ofType('lease'))
    expect(await force(ada)).toMatchObject({ index: 2 })
    await durable(ada)
    expect(await world.freshText()).toBe('first. second. ')
  })

  test.each<[string, (keys: KeySource) => KeySource]>([
    ['which keeps epoch records', (keys) => keys],
    ['which keeps none', withoutRecords],
  ])(
    'the connection breaks while the endpoint, %s, is asked for the key: all that the device has is brought',
    async (_, kind) => {
      let gate: Gate | undefined
      const keys: KeySource = async (request, options) => {
        await gate?.pass()
        return kind(world.keys)(request, options)
      }
      const { ada, bob } = await restored({ keys })
      bob.provider.destroy()
      await startsAndHolds(ada)
      gate = new Gate()
      const forced = ada.provider.rotateKey({ force: true })
      await patiently(gate.reached, 'the endpoint to be asked')
      const back = ada.wire.untilPassed('down', ofType('joined'))
      ada.wire.cut()
      await patiently(back, 'the next connection')
      gate.open()
      expect(await patiently(forced, 'the decision to be carried out')).toMatchObject({ index: 2 })
      await durable(ada)
      expect(await world.freshText()).toBe('first. second. ')
    },
  )

  test('somebody is still in the epoch that it shows, and only the endpoint knows of the lost one: one may decide', async () => {
    const desk = new EventEmitter()
    const ada = await world.joined('Ada', {
      keys: async (request, options) => {
        const answer = await world.keys(request, options)
        if (typeof request.record === 'string') desk.emit('told')
        return answer
      },
    })
    const carol = await world.joined('Carol', { expects })
    ada.text.insert(0, 'first. ')
    await ada.provider.flush()
    await untilEqual([ada.doc, carol.doc])
    carol.wire.unplug()
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    await synced(ada)
    const told = until(desk, 'told')
    await ada.provider.rotateKey()
    await told
    ada.provider.destroy()
    await world.stopRelay()
    restore()
    await startsAndHolds(carol)
    expect(await force(carol)).toMatchObject({ index: 1 })
    carol.text.insert(7, 'goes on. ')
    await durable(carol)
    expect(await world.freshText()).toBe('first. goes on. ')
  })
})

describe('the relay has lost everything', () => {
  async function wiped(): Promise<{ ada: Person; bob: Person }> {
    const ada = await world.joined('Ada', { expects })
    const bob = await world.joined('Bob', { expects })
    ada.text.insert(0, 'by Ada. ')
    await ada.provider.flush()
    await untilEqual([ada.doc, bob.doc])
    await ada.provider.rotateKey()
    bob.text.insert(bob.text.length, 'by Bob. ')
    await bob.provider.flush()
    await untilEqual([ada.doc, bob.doc])
    await world.stopRelay()
    world.wipeRelay()
    await startsAndHolds(ada, bob)
    return { ada, bob }
  }

  test('two people decide in the same moment: there is one epoch, and both go on in it', async () => {
    const { ada, bob } = await wiped()
    const epochs = await Promise.all([force(ada), force(bob)])
    expect(epochs[1]).toEqual(epochs[0])
    expect(await epochsOf(world)).toHaveLength(1)
    for (const { text, name } of [ada, bob]) text.insert(text.length, `${name} goes on. `)
    await durable(ada, bob)
    await untilEqual([ada.doc, bob.doc])
    const text = await world.freshText()
    expect(text).toBe(ada.text.toString())
    for (const words of ['by Ada. ', 'by Bob. ', 'Ada goes on. ', 'Bob goes on. ']) expect(text).toContain(words)
  })

  test('nobody has decided yet: connect() hides nothing, flush() and rotateKey() say what stands in the way', async () => {
    const { ada } = await wiped()
    ada.text.insert(0, 'waits. ')
    ada.provider.connect()
    const answers = await patiently(Promise.allSettled([ada.provider.flush(), ada.provider.rotateKey()]), 'answers')
    const isRollback = { status: 'rejected', reason: { code: 'rollback' } }
    expect(answers).toMatchObject([isRollback, isRollback])
    expect(await world.log()).toEqual([])
  })

  test('two decide, and only one of them has what a third wrote: it is brought, whoever comes second', async () => {
    const [ada, bob, carol] = await Promise.all(['Ada', 'Bob', 'Carol'].map((name) => world.joined(name, { expects })))
    if (ada === undefined || bob === undefined || carol === undefined) throw new Error('three people')
    ada.text.insert(0, 'by Ada. ')
    await ada.provider.flush()
    await untilEqual([ada.doc, bob.doc, carol.doc])
    await ada.provider.rotateKey()
    ada.wire.unplug()
    carol.text.insert(carol.text.length, 'by Carol. ')
    await durable(carol)
    await untilEqual([bob.doc, carol.doc])
    carol.provider.destroy()
    await world.stopRelay()
    world.wipeRelay()
    await startsAndHolds(ada, bob)
    await Promise.all([force(ada), force(bob)])
    await durable(ada, bob)
    await untilEqual([ada.doc, bob.doc])
    expect(await world.freshText()).toBe('by Ada. by Carol. ')
    expect([ada, bob].map(codesOf)).toEqual([['rollback'], ['rollback']])
  })
})
