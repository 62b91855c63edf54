import type { Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { heardBy, passUntil, saidBy } from '../support/rotation-steps.ts'
import { isAppend, ofType, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Checkpoints between rotations (protocol §7): who makes them, what they hold, who vouches for them, and what is read then.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

/** Somebody whose time is the test's. */
const timed = (name: string, options = {}): Promise<Person> => world.joined(name, { unsafeClock: clock, ...options })

/** Types words one after the other, each durable before the next: an entry for each. */
async function types({ text, provider }: Person, words: number, clocks: readonly FakeClock[] = []): Promise<void> {
  for (let word = 0; word < words; word++) {
    text.insert(text.length, `word ${word} `)
    await passUntil(provider.flush(), clocks)
  }
}

const compacts = (person: Person): Up[] => saidBy(person).filter(({ type }) => type === 'compact')
const entriesRead = (person: Person): number =>
  heardBy(person).reduce((sum, message) => sum + (message.type === 'entries' ? message.entries.length : 0), 0)

describe('a document that was compacted', () => {
  test('is read from its checkpoint and what came after, and not from its beginning', async () => {
    const ada = await world.joined('Ada')
    await types(ada, 40)
    await ada.provider.compact()
    await types(ada, 3)
    const bob = await world.joined('Bob')
    expect(bob.text.toString()).toBe(ada.text.toString())
    expect(entriesRead(bob)).toBe(3)
    expect(Y.equalSnapshots(Y.snapshot(bob.doc), Y.snapshot(ada.doc))).toBe(true)
  })

  test('is gone on with by everybody, whether they were there before, came after, or come back', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    await types(ada, 20)
    bob.wire.unplug()
    bob.text.insert(0, 'offline. ')
    await ada.provider.compact()
    await types(ada, 2)
    const carol = await world.joined('Carol')
    carol.text.insert(0, 'new here. ')
    await carol.provider.flush()
    bob.wire.calm()
    await synced(bob)
    await bob.provider.flush()
    const whole = bob.text.toString()
    expect(whole).toContain('offline. ')
    expect(whole).toContain('new here. ')
    for (const { doc } of [ada, carol]) await untilText(doc, whole)
    expect(await world.freshText()).toBe(whole)
  })

  test('can be compacted again and again, and asking for what is there already costs nothing', async () => {
    const ada = await world.joined('Ada')
    for (let round = 0; round < 3; round++) {
      await types(ada, 5)
      await ada.provider.compact()
      await ada.provider.compact()
    }
    expect(compacts(ada)).toHaveLength(3)
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('is rotated like any other, and its old epoch opens where it ended and where it began', async () => {
    const ada = await world.joined('Ada')
    await types(ada, 10)
    await ada.provider.compact()
    await types(ada, 5)
    const before = ada.text.toString()
    await ada.provider.rotateKey()
    await types(ada, 2)
    expect(await world.freshText()).toBe(ada.text.toString())
    const [first] = await ada.provider.epochs()
    expect(first).toMatchObject({ index: 0, from: 1, to: 15 })
    expect((await ada.provider.openEpoch(0)).getText('text').toString()).toBe(before)
    expect((await ada.provider.openEpoch(0, 1)).getText('text').toString()).toBe('word 0 ')
  })

  test('with an import of several megabytes is read from chunks', async () => {
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'x'.repeat(3 * 1024 * 1024))
    await ada.provider.compact()
    const bob = await world.joined('Bob')
    expect(bob.text.length).toBe(ada.text.length)
    expect(entriesRead(bob)).toBe(0)
  })
})

describe('a checkpoint', () => {
  test('adds nothing: what its author has typed and the log has not, it does not hold', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    await types(bob, 10)
    await untilText(ada.doc, bob.text.toString())
    const logged = ada.text.toString()
    ada.wire.hold('up', isAppend)
    ada.text.insert(0, 'not durable. ')
    const compacted = ada.provider.compact()
    // Her append is held, and the frames behind it: nothing of a checkpoint can have left that holds it.
    ada.wire.release('up')
    await compacted
    await ada.provider.flush()
    const text = `not durable. ${logged}`
    expect(await world.freshText()).toBe(text)
  })

  test('is made while its author types on without a pause', async () => {
    const ada = await world.joined('Ada')
    await types(ada, 10)
    let isDone = false
    const compacted = ada.provider.compact().finally(() => {
      isDone = true
    })
    while (!isDone) {
      ada.text.insert(ada.text.length, 'on and on ')
      await until(ada.provider, 'sync-status')
    }
    await compacted
    await ada.provider.flush()
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('is made by one of those who are there, by itself, when the log has outgrown the rule', async () => {
    const people = [await timed('Ada'), await timed('Bob'), await timed('Carol')]
    const [ada] = people as [Person, Person, Person]
    await types(ada, 80, [clock])
    await passUntil(ada.wire.untilPassed('down', ofType('compacted')), [clock], 1_000)
    // Whatever the others had in mind: there is nothing left to do.
    await clock.advance(120_000)
    expect(people.flatMap(compacts)).toHaveLength(1)
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('is not made of a few words, nor by who may only read, nor twice in a quiet room', async () => {
    const ada = await timed('Ada')
    await types(ada, 5, [clock])
    await clock.advance(600_000)
    expect(compacts(ada)).toEqual([])
    await types(ada, 80, [clock])
    await passUntil(ada.wire.untilPassed('down', ofType('compacted')), [clock], 1_000)
    await clock.advance(3_600_000)
    expect(compacts(ada)).toHaveLength(1)
  })

  test('that three ask for at once is made', async () => {
    const ada = await world.joined('Ada')
    await types(ada, 10)
    const bob = await world.joined('Bob')
    const carol = await world.joined('Carol')
    await Promise.all([ada, bob, carol].map(({ provider }) => provider.compact()))
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('cannot be made by who may only read', async () => {
    await world.close()
    world = await startWorld({
      auth: async (token) => ({ subject: token, role: token === 'reader' ? 'read' : 'write' }),
    })
    const ada = await world.joined('Ada', { token: 'writer' })
    await types(ada, 3)
    const rita = await world.joined('Rita', { token: 'reader' })
    await expect(rita.provider.compact()).rejects.toMatchObject({ code: 'write-denied' })
  })

  test('whose author leaves in the middle of it leaves nothing behind', async () => {
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    await types(bob, 10)
    for (const step of ['lease', 'stage', 'compact'] as const) {
      const long = 'y'.repeat(600 * 1024)
      bob.text.insert(0, long)
      await bob.provider.flush()
      await untilText(ada.doc, bob.text.toString())
      ada.wire.cutAt('up', ({ type }) => type === step)
      await ada.provider.compact()
      await synced(ada)
      expect(await world.freshText()).toBe(bob.text.toString())
    }
  })
})
