import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { areEqual, untilEqual } from '../support/convergence.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { docWith } from '../support/guarded-reader.ts'
import { garbage, item, nestedArrays, rawUpdate, text } from '../support/raw-update.ts'
import { SealingMember } from '../support/sealing-member.ts'
import { codesOf, isAppend, someProblem, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
let mallory: SealingMember

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  mallory?.end()
  await world.close()
})

const FAULT = { expects: ['member-fault'] }

/** Ada has written, Bob has read it, and Mallory has the key. */
async function room(): Promise<{ ada: Person; bob: Person }> {
  const ada = await world.joined('Ada', FAULT)
  const bob = await world.joined('Bob', FAULT)
  ada.text.insert(0, 'Ada was here. ')
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  mallory = await SealingMember.join(world)
  return { ada, bob }
}

const squatOn = ({ doc }: Person, words?: string): Uint8Array =>
  rawUpdate([
    {
      client: doc.clientID,
      clock: Y.getState(doc.store, doc.clientID),
      structs: [words === undefined ? garbage(1_000) : text(words)],
    },
  ])

/** What every kind of reader makes of the log: who was there, who comes new, who reads the history, who copies it into a checkpoint. */
async function expectAllAlike(people: readonly Person[], words: string): Promise<void> {
  for (const { text: read } of people) expect(read.toString()).toContain(words)
  expect(areEqual(people.map(({ doc }) => doc))).toBe(true)
  const [first] = people as [Person]
  const cold = await world.joined('cold reader', FAULT)
  const past = await first.provider.openEpoch(0)
  await first.provider.compact()
  const fromCheckpoint = await world.joined('reader of the checkpoint', FAULT)
  expect(areEqual([first.doc, cold.doc, past, fromCheckpoint.doc])).toBe(true)
  past.destroy()
}

describe('D4: Mallory takes the ids of Ada’s next words', () => {
  test.each([
    ['with garbage', undefined],
    ['with words', 'mine. '],
  ])('%s, while Ada is offline: her words arrive under another id when she is back', async (_how, words) => {
    const { ada, bob } = await room()
    ada.wire.unplug()
    const squat = squatOn(ada, words)
    ada.text.insert(ada.text.length, 'Written offline. ')
    const sequence = await mallory.append(squat)
    ada.wire.plug()
    await synced(ada)
    await patiently(ada.provider.flush(), 'what was written offline to be durable')
    await untilEqual([ada.doc, bob.doc])
    expect(codesOf(ada)).toEqual(['member-fault'])
    expect(ada.problems[0]).toMatchObject({ sequence, sealer: mallory.name, fault: 'member' })
    expect(codesOf(bob)).toEqual([])
    // Her caret is hers under the new id, too.
    ada.provider.awareness.setLocalStateField('name', 'Ada')
    const states = bob.provider.awareness.getStates()
    await untilTrue(bob.provider.awareness, 'change', () => states.get(ada.doc.clientID)?.name === 'Ada')
    expect(states.size).toBe(2)
    ada.text.insert(0, 'And on it goes. ')
    await ada.provider.flush()
    await untilEqual([ada.doc, bob.doc])
    await expectAllAlike([ada, bob], 'Written offline. ')
  })

  test('while Ada’s append is on its way: her words are there once', async () => {
    const { ada, bob } = await room()
    ada.wire.hold('up', isAppend)
    const squat = squatOn(ada, 'XX')
    const passed = ada.wire.untilPassed('up', isAppend)
    ada.text.insert(ada.text.length, 'In flight. ')
    await passed
    await mallory.append(squat)
    await someProblem(ada)
    const flushed = ada.provider.flush()
    ada.wire.release('up')
    await patiently(flushed, 'the words in flight to be durable')
    await untilEqual([ada.doc, bob.doc])
    expect(bob.text.toString().split('In flight. ')).toHaveLength(2)
    expect(bob.text.length).toBe('Ada was here. In flight. XX'.length)
    expect(ada.provider.hasUnsyncedChanges).toBe(false)
    await expectAllAlike([ada, bob], 'In flight. ')
  })
})

test('D6: two people whose app gives both documents one client id write offline: all of both is there for both', async () => {
  const ada = await world.joined('Ada', { doc: docWith(7), ...FAULT })
  const bob = await world.joined('Bob', { doc: docWith(7), ...FAULT })
  for (const { wire } of [ada, bob]) wire.unplug()
  ada.text.insert(0, 'what Ada wrote. ')
  bob.text.insert(0, 'what Bob wrote. ')
  ada.wire.plug()
  await synced(ada)
  await ada.provider.flush()
  bob.wire.plug()
  await synced(bob)
  await bob.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  expect(ada.text.toString()).toContain('what Ada wrote. ')
  await expectAllAlike([ada, bob], 'what Bob wrote. ')
})

test('D5: Mallory deletes what Ada is going to write: it is there for everybody, and Mallory is named', async () => {
  const { ada, bob } = await room()
  const clock = Y.getState(ada.doc.store, ada.doc.clientID)
  const sequence = await mallory.append(rawUpdate([], [{ client: ada.doc.clientID, clock, length: 1_000_000 }]))
  ada.text.insert(0, 'Still here. ')
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  for (const person of [ada, bob]) {
    await someProblem(person)
    expect(person.problems[0]).toMatchObject({ code: 'member-fault', sequence, sealer: mallory.name })
  }
  await expectAllAlike([ada, bob], 'Still here. ')
})

describe('what no reader takes', () => {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'second encoding')
  const bad: readonly [string, Uint8Array][] = [
    ['D1: garbage', Uint8Array.of(1, 2, 3, 4, 5)],
    ['D1: an update with something behind it', Uint8Array.of(...Y.encodeStateAsUpdate(doc), 1)],
    ['D2: an update of the second encoding', Y.encodeStateAsUpdateV2(doc)],
    ['D4: clocks up to 2^53', rawUpdate([{ client: 7, clock: 0, structs: [garbage(2 ** 53 - 1)] }])],
    ['D14: a value that nests', rawUpdate([{ client: 7, clock: 0, structs: [nestedArrays(100_000)] }])],
  ]

  test.each(bad)(
    '%s: it counts as an empty entry, for all alike, through a checkpoint and into the next epoch',
    async (_what, update) => {
      const { ada, bob } = await room()
      const sequence = await mallory.append(update)
      for (const person of [ada, bob]) {
        await someProblem(person)
        expect(person.problems[0]).toMatchObject({ code: 'member-fault', sequence, sealer: mallory.name })
      }
      bob.text.insert(0, 'Bob goes on. ')
      await bob.provider.flush()
      await untilEqual([ada.doc, bob.doc])
      await expectAllAlike([ada, bob], 'Bob goes on. ')
      await ada.provider.rotateKey()
      expect(await world.freshText()).toBe(ada.text.toString())
    },
  )
})

test('D7: Mallory speaks for Ada: Bob goes on seeing Ada, and Ada herself', async () => {
  const { ada, bob } = await room()
  const seenBy = ({ provider }: Person): unknown => provider.awareness.getStates().get(ada.doc.clientID)
  ada.provider.awareness.setLocalState({ name: 'Ada' })
  await untilTrue(bob.provider.awareness, 'change', () => seenBy(bob) !== undefined)
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, ada.doc.clientID)
  encoding.writeVarUint(encoder, 1_000)
  encoding.writeVarString(encoder, JSON.stringify({ name: 'Mallory' }))
  mallory.sayAwareness(encoding.toUint8Array(encoder))
  await someProblem(ada)
  expect(ada.problems[0]).toMatchObject({ code: 'member-fault', sealer: mallory.name })
  await untilTrue(bob.provider, 'problem', () => (bob.provider.counters['awareness-refused'] ?? 0) >= 0)
  ada.provider.awareness.setLocalStateField('at', 'the end')
  await untilTrue(bob.provider.awareness, 'change', () => JSON.stringify(seenBy(bob)).includes('the end'))
  expect(seenBy(bob)).toEqual({ name: 'Ada', at: 'the end' })
  expect(ada.provider.awareness.getLocalState()).toEqual({ name: 'Ada', at: 'the end' })
  expect(codesOf(bob)).toEqual([])
})

test('D13: keys and values that name a prototype change no object but their own', async () => {
  const { ada, bob } = await room()
  const hostile = (encoder: encoding.Encoder): void => {
    encoding.writeVarUint(encoder, 1)
    encoding.writeUint8(encoder, 118)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, '__proto__')
    encoding.writeAny(encoder, { polluted: 'yes' })
  }
  await mallory.append(rawUpdate([{ client: 7, clock: 0, structs: [item(8, hostile, '__proto__')] }]))
  bob.text.insert(0, 'Bob goes on. ')
  await bob.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  expect(bob.provider.counters.polluted).toBeUndefined()
  await expectAllAlike([ada, bob], 'Bob goes on. ')
})
