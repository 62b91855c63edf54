import { type Down, hashPrefix, type Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { flipBit, loseEntry } from '../support/damaged-log.ts'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { onNodes } from '../support/nodes.ts'
import { hashAfter } from '../support/removed-member.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { codesOf, nextSync, ofType, synced } from '../support/steps.ts'
import { witnessesBy } from '../support/witness-steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// What a relay lost, hid or garbled comes back from the members that have it, and local text never shrinks (protocol §7 "Heal", races M7, M8, M11).

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

const member = (name: string, options: PersonOptions = {}): Promise<Person> =>
  world.joined(name, { unsafeClock: clock, ...options })

async function writes({ text, provider }: Person, words: string): Promise<void> {
  text.insert(text.length, words)
  await passUntil(provider.flush(), [clock])
}

/** Whether a text has ever lost a character that it had. */
function watchesShrinking(...people: Person[]): { readonly shrunk: boolean } {
  const state = { shrunk: false }
  for (const { text } of people) {
    text.observe((event: Y.YTextEvent) => {
      if (event.delta.some((part) => part.delete !== undefined)) state.shrunk = true
    })
  }
  return state
}

async function whileStopped(act: () => void, ...people: Person[]): Promise<void> {
  await world.stopRelay()
  act()
  const back = people.map(nextSync)
  await world.startRelay()
  await passUntil(Promise.all(back), [clock])
}

const appendsBy = (person: Person): Up[] => saidBy(person).filter(({ type }) => type === 'append')

describe('a relay that is restored from an old backup under live members', () => {
  test('eight miss the same: one or two bring it back, and the others find it there', async () => {
    const people: Person[] = []
    for (let each = 0; each < 8; each++) people.push(await member(`member ${each}`, { expects: ['rollback'] }))
    const [ada] = people as [Person]
    await writes(ada, 'kept. ')
    await world.stopRelay()
    const restore = world.backup()
    const back = people.map(nextSync)
    await world.startRelay()
    await passUntil(Promise.all(back), [clock])
    await writes(ada, 'lost by the relay. ')
    await Promise.all(people.map(({ doc }) => untilText(doc, 'kept. lost by the relay. ')))
    const watched = watchesShrinking(...people)
    const before = people.map((person) => appendsBy(person).length)
    // All of them have read to the end in the same moment.
    for (const { wire } of people) wire.hold('down', ofType('caught-up'))
    await world.stopRelay()
    restore()
    const again = people.map(nextSync)
    await world.startRelay()
    await clock.advance(3_000)
    for (const { wire } of people) wire.calm()
    await patiently(Promise.all(again), 'everybody to be synced again')
    await clock.advance(6_000)
    const repairs = people.reduce((sum, person, i) => sum + appendsBy(person).length - (before[i] ?? 0), 0)
    // Without lots there would be eight.
    expect(repairs).toBeGreaterThanOrEqual(1)
    expect(repairs).toBeLessThanOrEqual(3)
    for (const person of people) {
      expect(codesOf(person)).toEqual(['rollback'])
      expect(person.problems[0]?.sequence).toBe(2)
      expect(person.provider.hasUnsyncedChanges).toBe(false)
    }
    expect(await world.freshText()).toBe('kept. lost by the relay. ')
    expect(watched.shrunk).toBe(false)
    console.log(`8 members, one loss: ${repairs} repair(s)`)
  })

  test('whoever types, or wants to be sure, does not wait', async () => {
    const ada = await member('Ada', { expects: ['rollback'] })
    const bob = await member('Bob', { expects: ['rollback'] })
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    await passUntil(Promise.all([ada, bob].map(synced)), [clock])
    await writes(ada, 'lost. ')
    await untilText(bob.doc, 'lost. ')
    await whileStopped(restore, ada, bob)
    const ms = clock.now()
    bob.text.insert(bob.text.length, 'typed after. ')
    await patiently(bob.provider.flush(), 'what Bob typed, and what it rests on')
    expect(clock.now()).toBe(ms)
    expect(await world.freshText()).toBe('lost. typed after. ')
  })
})

describe('forked members that meet again', () => {
  test('two histories from one place, each with its own words; then one relay for both: nothing is lost', async () => {
    const ada = await member('Ada', { expects: ['rollback', 'fork'] })
    const bob = await member('Bob', { expects: ['rollback', 'fork'] })
    await writes(ada, 'common. ')
    await untilText(bob.doc, 'common. ')
    const watched = watchesShrinking(ada, bob)
    await world.stopRelay()
    const toCommon = world.backup()
    bob.wire.unplug()
    await world.startRelay()
    await passUntil(synced(ada), [clock])
    await writes(ada, 'Ada 1. ')
    await writes(ada, 'Ada 2. ')
    await world.stopRelay()
    const toAdas = world.backup()
    // The other history begins where this one did.
    toCommon()
    ada.wire.unplug()
    bob.wire.plug()
    await world.startRelay()
    await passUntil(synced(bob), [clock])
    await writes(bob, 'Bob 1. ')
    bob.text.delete(0, 'common'.length)
    await passUntil(bob.provider.flush(), [clock])
    await world.stopRelay()
    toAdas()
    ada.wire.plug()
    const back = [ada, bob].map(nextSync)
    await world.startRelay()
    await passUntil(Promise.all(back), [clock])
    await clock.advance(6_000)
    await passUntil(untilEqual([ada.doc, bob.doc]), [clock])
    expect(codesOf(bob)).toEqual(['rollback'])
    expect(codesOf(ada)).toEqual([])
    const text = ada.text.toString()
    expect(text.startsWith('. ')).toBe(true)
    for (const words of ['Ada 1. ', 'Ada 2. ', 'Bob 1. ']) expect(text).toContain(words)
    expect(await world.freshText()).toBe(text)
    // Nobody's words went but those that Bob has deleted himself.
    expect(watched.shrunk).toBe(true)
    expect(text.length).toBe('. Ada 1. Ada 2. Bob 1. '.length)
  })
})

// The file of one relay is damaged.
describe.skipIf(onNodes())('an entry that the relay has lost for good', () => {
  /** Entry 2 of Ada's is lost, and she is gone. */
  async function lost(damage: (folder: string, sequence: number) => void): Promise<Person> {
    const ada = await member('Ada', { expects: ['rollback', 'fork'] })
    await writes(ada, 'first. ')
    ada.doc.getText('lost').insert(0, 'lost. ')
    await passUntil(ada.provider.flush(), [clock])
    const carol = await member('Carol')
    carol.doc.getText('carol').insert(0, 'Carol was here. ')
    await passUntil(carol.provider.flush(), [clock])
    ada.doc.getText('third').insert(0, 'third. ')
    await passUntil(ada.provider.flush(), [clock])
    carol.provider.disconnect()
    ada.wire.unplug()
    await world.stopRelay()
    world.damage((folder) => damage(folder, 2))
    await world.startRelay()
    return ada
  }

  const expects = ['gap', 'tampered', 'fork', 'withheld', 'relay-fault', 'rollback']

  /** Somebody who has never been here reads what there is, is told what there is not, and writes. */
  async function goesOn(): Promise<Person> {
    const bob = world.person('Bob', { unsafeClock: clock, expects })
    await passUntil(bob.provider.whenSynced, [clock], 500)
    expect(bob.text.toString()).toBe('first. ')
    expect(bob.doc.getText('carol').toString()).toBe('Carol was here. ')
    expect(bob.doc.getText('lost').toString()).toBe('')
    const [told] = bob.problems.filter(({ code }) => code === 'gap' || code === 'tampered')
    expect(told?.sequence).toBeGreaterThanOrEqual(2)
    bob.doc.getText('bob').insert(0, 'Bob goes on. ')
    await passUntil(bob.provider.flush(), [clock], 500)
    expect(bob.provider.synced).toBe(true)
    return bob
  }

  async function comesBack({ wire, provider, name }: Person): Promise<void> {
    const back = nextSync({ wire, provider, name } as Person)
    wire.cut()
    wire.plug()
    await passUntil(back, [clock], 500)
  }

  test('and has moved the others up: a checkpoint over the hole is possible, and who has the entry brings it back', async () => {
    const ada = await lost(loseEntry)
    const bob = await goesOn()
    await passUntil(bob.provider.compact(), [clock], 500)
    const eve = await member('Eve')
    expect(eve.doc.getText('bob').toString()).toBe('Bob goes on. ')
    await comesBack(ada)
    await passUntil(untilText(eve.doc, 'lost. ', 'lost'), [clock], 500)
    await passUntil(untilEqual([ada.doc, bob.doc, eve.doc]), [clock], 500)
    expect(eve.doc.getText('third').toString()).toBe('third. ')
  })

  test('but for all bits but one: a checkpoint of who has it covers the hole, for those who come and those who are there', async () => {
    const ada = await lost(flipBit)
    const bob = await goesOn()
    await comesBack(ada)
    await passUntil(untilText(ada.doc, 'Bob goes on. ', 'bob'), [clock], 500)
    await passUntil(ada.provider.compact(), [clock], 500)
    const eve = await member('Eve')
    expect(eve.doc.getText('lost').toString()).toBe('lost. ')
    expect(eve.doc.getText('bob').toString()).toBe('Bob goes on. ')
    await comesBack(bob)
    await passUntil(untilEqual([ada.doc, bob.doc, eve.doc]), [clock], 500)
    // What Bob has seen is another history than hers, and he has said so.
    expect(new Set(codesOf(ada))).toEqual(new Set(['fork']))
  })
})

describe('a sequence that the relay leaves out', () => {
  test('on two connections: told, and what stands behind it is read and written on; an honest connection brings it', async () => {
    const ada = await member('Ada')
    // What one writes rests on what they wrote before: the third is another's.
    const carol = await member('Carol')
    for (const [name, { doc, provider }] of Object.entries({ first: ada, second: ada, third: carol })) {
      doc.getText(name).insert(0, name)
      await passUntil(provider.flush(), [clock])
    }
    const [record] = await world.records()
    const log = await world.log()
    if (record === undefined) throw new Error('there is an epoch')
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['gap', 'relay-fault'] })
    const behind = hashPrefix(hashAfter(record, log.slice(0, 2)))
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).flatMap((message): Down[] => {
        const at = message.type === 'entries' ? 2 - message.first : -1
        if (message.type !== 'entries' || at < 0 || at >= message.entries.length) return [message]
        const [before, after] = [message.entries.slice(0, at), message.entries.slice(at + 1)]
        return [
          ...(before.length > 0 ? [{ ...message, entries: before }] : []),
          ...(after.length > 0 ? [{ ...message, first: 3, hashBefore: behind, entries: after }] : []),
        ]
      }),
    )
    bob.provider.connect()
    await passUntil(bob.provider.whenSynced, [clock], 500)
    expect(bob.problems.map(({ code, sequence }) => [code, sequence])).toEqual([
      ['gap', 2],
      ['relay-fault', 2],
    ])
    const texts = (): string[] => ['first', 'second', 'third'].map((name) => bob.doc.getText(name).toString())
    expect(texts()).toEqual(['first', '', 'third'])
    bob.doc.getText('bob').insert(0, 'Bob goes on. ')
    await passUntil(bob.provider.flush(), [clock], 500)
    await untilText(ada.doc, 'Bob goes on. ', 'bob')
    expect(bob.provider.synced).toBe(true)
    // He vouches for nothing that he cannot compute.
    await clock.advance(120_000)
    expect(witnessesBy(bob)).toEqual([])
    bob.wire.rewrite('down', undefined)
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    expect(texts()).toEqual(['first', 'second', 'third'])
    await passUntil(untilEqual([ada.doc, bob.doc]), [clock])
    expect(ada.problems).toEqual([])
  })
})
