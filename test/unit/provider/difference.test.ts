import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { difference } from '../../../packages/provider/src/log-state/difference.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { below, pick, seededRandom } from '../../support/random.ts'

const LOG = 'the log'

/** A document that takes updates as the provider does, noting what the log holds. */
function reader() {
  const doc = new Y.Doc()
  const log = new LogState()
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    if (transaction.origin === LOG) log.addImplied(transaction, true)
  })
  const take = (update: Uint8Array): void => {
    log.add(update)
    Y.applyUpdate(doc, update, LOG)
  }
  return { doc, log, take }
}

describe('what a document holds beyond the log', () => {
  it('is nothing after everything came from the log, deletes included', () => {
    const writer = new Y.Doc()
    writer.getText('t').insert(0, 'hello world')
    writer.getText('t').delete(2, 4)
    const { doc, log, take } = reader()
    take(Y.encodeStateAsUpdate(writer))
    expect(difference(doc, log)).toBeUndefined()
  })

  it('is the text that was there before the provider was', () => {
    const { doc, log } = reader()
    doc.getText('t').insert(0, 'already here')
    const update = difference(doc, log)
    const other = new Y.Doc()
    Y.applyUpdate(other, update ?? new Uint8Array())
    expect(other.getText('t').toString()).toBe('already here')
  })

  it('carries only the deletes that the log lacks, not the whole delete set', () => {
    const writer = new Y.Doc()
    const text = writer.getText('t')
    // Every other character is deleted: one range each.
    text.insert(0, 'ab'.repeat(500))
    for (let i = 0; i < 500; i++) text.delete(i, 1)
    const { doc, log, take } = reader()
    take(Y.encodeStateAsUpdate(writer))
    doc.getText('t').delete(0, 1)
    const update = difference(doc, log)
    expect(update).toBeDefined()
    expect(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc)).length).toBeGreaterThan(1000)
    expect(update?.length).toBeLessThan(20)
    Y.applyUpdate(writer, update ?? new Uint8Array())
    expect(writer.getText('t').toString()).toBe(doc.getText('t').toString())
  })

  it('is nothing where a delete follows from the log without standing in it (two people set one key)', () => {
    const [alice, bob] = [new Y.Doc(), new Y.Doc()]
    alice.getMap('m').set('key', 'a')
    bob.getMap('m').set('key', 'b')
    const { doc, log, take } = reader()
    take(Y.encodeStateAsUpdate(alice))
    take(Y.encodeStateAsUpdate(bob))
    expect(Y.createDeleteSetFromStructStore(doc.store).clients.size).toBe(1)
    expect(difference(doc, log)).toBeUndefined()
  })

  it('is nothing where what arrives for a deleted parent is garbage at once', () => {
    const writer = new Y.Doc()
    writer.getXmlFragment('x').insert(0, [new Y.XmlElement('ul')])
    const { doc, log, take } = reader()
    take(Y.encodeStateAsUpdate(writer))
    doc.getXmlFragment('x').delete(0, 1)
    log.add(difference(doc, log) ?? new Uint8Array())
    const before = Y.encodeStateVector(writer)
    const list = writer.getXmlFragment('x').get(0)
    if (!(list instanceof Y.XmlElement)) throw new Error('no list')
    list.insert(0, [new Y.XmlText('into what is gone')])
    take(Y.encodeStateAsUpdate(writer, before))
    expect(difference(doc, log)).toBeUndefined()
  })

  it('brings two readers of different halves together (seed difference-1)', () => {
    const random = seededRandom('difference-1')
    for (let round = 0; round < 60; round++) {
      const { doc, log, take } = reader()
      const writer = new Y.Doc()
      const updates: Uint8Array[] = []
      writer.on('update', (update: Uint8Array) => updates.push(update))
      for (let i = 0; i < 40; i++) {
        const text = writer.getText('t')
        if (text.length > 0 && random() < 0.4) text.delete(below(random, text.length), 1)
        else text.insert(below(random, text.length + 1), pick(random, ['x', 'yz', '🔑']))
      }
      for (const update of updates.slice(0, below(random, updates.length))) take(update)
      const local = doc.getText('t')
      for (let i = 0; i < 5; i++) {
        if (local.length > 0 && random() < 0.5) local.delete(below(random, local.length), 1)
        else local.insert(below(random, local.length + 1), 'L')
      }
      const update = difference(doc, log)
      const whole = new Y.Doc()
      Y.applyUpdate(whole, Y.encodeStateAsUpdate(writer))
      if (update !== undefined) Y.applyUpdate(whole, update)
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(writer), LOG)
      expect(doc.getText('t').toString()).toBe(whole.getText('t').toString())
    }
  })

  it('is nothing for an update that waits for another one: it came from the log', () => {
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    writer.getText('t').insert(0, 'a')
    writer.getText('t').insert(1, 'b')
    const { doc, log, take } = reader()
    take(updates[1] ?? new Uint8Array())
    expect(doc.store.pendingStructs).not.toBeNull()
    expect(difference(doc, log)).toBeUndefined()
  })
})
