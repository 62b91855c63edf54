import { afterEach, beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { untilTrue } from '../support/events.ts'
import { nextSync, someProblem } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

/** What honest people do that looks odd from below. The world fails whoever is told of a problem. */

let world: World

beforeEach(async () => {
  world = await startWorld()
})

afterEach(() => world.close())

test('two providers on one document, in one room, and somebody else: nobody is told anything, and the caret of both is the one that they have', async () => {
  const doc = new Y.Doc()
  const first = await world.joined('Ada', { doc })
  const second = await world.joined('Ada again', { doc, awareness: first.provider.awareness })
  const bob = await world.joined('Bob')
  first.text.insert(0, 'written by one hand, sent by two. ')
  bob.text.insert(0, 'Bob. ')
  first.provider.awareness.setLocalState({ name: 'Ada' })
  await Promise.all([first, second, bob].map(({ provider }) => provider.flush()))
  await untilEqual([doc, bob.doc])
  const seen = (): unknown => bob.provider.awareness.getStates().get(doc.clientID)?.name
  await untilTrue(bob.provider.awareness, 'change', () => seen() === 'Ada')
  first.wire.cut()
  await nextSync(first)
  first.text.insert(0, 'And again. ')
  await Promise.all([first, second].map(({ provider }) => provider.flush()))
  await untilEqual([doc, bob.doc])
})

test('two providers with an awareness each speak for one client id: nobody is told anything', async () => {
  const doc = new Y.Doc()
  const first = await world.joined('Ada', { doc })
  const second = await world.joined('Ada again', { doc })
  const bob = await world.joined('Bob')
  for (const { provider } of [first, second]) provider.awareness.setLocalState({ name: 'Ada' })
  await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(doc.clientID))
  bob.provider.awareness.setLocalState({ name: 'Bob' })
  for (const { provider } of [first, second])
    await untilTrue(provider.awareness, 'change', () => provider.awareness.getStates().has(bob.doc.clientID))
  expect(first.provider.awareness.getLocalState()).toEqual({ name: 'Ada' })
})

test('edits restored from a disk under an earlier client id, on two devices of which each has gone on: all of it is there once', async () => {
  const earlier = new Y.Doc()
  earlier.getText('text').insert(0, 'typed on a train. ')
  const disk = Y.encodeStateAsUpdate(earlier)
  const [laptop, phone] = ['laptop', 'phone'].map((name) => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, disk)
    doc.getText('text').insert(doc.getText('text').length, `then on the ${name}. `)
    return doc
  }) as [Y.Doc, Y.Doc]
  // One has deleted what the other is about to send.
  phone.getText('text').delete(0, 6)
  const one = await world.joined('laptop', { doc: laptop })
  await one.provider.flush()
  const two = await world.joined('phone', { doc: phone })
  await two.provider.flush()
  await untilEqual([laptop, phone])
  expect(two.text.toString()).toMatch(/^on a train. (then on the (laptop|phone). ){2}$/)
})

test('undo, redo, an import and a restored copy that joins in the middle of it', async () => {
  const ada = await world.joined('Ada')
  const bob = await world.joined('Bob')
  const undo = new Y.UndoManager(ada.text, { captureTimeout: 0 })
  ada.text.insert(0, 'one. ')
  ada.text.insert(5, 'two. ', { bold: true })
  undo.undo()
  bob.text.insert(0, 'Bob. ')
  undo.redo()
  ada.text.insert(0, 'imported '.repeat(60_000))
  await untilEqual([ada.doc, bob.doc])
  undo.undo()
  ada.text.format(0, 8, { italic: true })
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(ada.doc))
  const carl = await world.joined('Carl', { doc: copy })
  carl.text.format(0, 8, { italic: null, bold: true })
  undo.redo()
  await Promise.all([ada, bob, carl].map(({ provider }) => provider.flush()))
  await untilEqual([ada.doc, bob.doc, carl.doc])
})

test('a careless member: a value that nests deeper than the others take is told of, not sent, and once it is gone all goes on', async () => {
  const ada = await world.joined('Ada', { expects: ['limit'] })
  const bob = await world.joined('Bob')
  let deep: unknown[] = []
  for (let i = 0; i < 300; i++) deep = [deep]
  ada.doc.getMap('map').set('deep', deep)
  await someProblem(ada)
  expect(ada.problems[0]?.message).toContain('nests more than 256 values')
  ada.text.insert(0, 'and what she writes next waits')
  expect(ada.provider.hasUnsyncedChanges).toBe(true)
  ada.doc.getMap('map').delete('deep')
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  expect(bob.text.toString()).toBe('and what she writes next waits')
})

test('a member whose append was stored and never acked comes back, with more deleted than written', async () => {
  const ada = await world.joined('Ada')
  const bob = await world.joined('Bob')
  ada.wire.drop('down', ({ type }) => type === 'ack', 10)
  ada.text.insert(0, 'stored, and not acked')
  await untilEqual([ada.doc, bob.doc])
  ada.wire.unplug()
  ada.text.delete(0, 8)
  bob.text.delete(0, 3)
  ada.wire.calm()
  ada.wire.plug()
  await nextSync(ada)
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  expect(bob.text.toString()).toBe('and not acked')
})
