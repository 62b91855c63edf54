import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { areEqual } from '../../support/convergence.ts'
import { docWith, GuardedReader, updateOf } from '../../support/guarded-reader.ts'
import { item, itemIn, rawUpdate, text } from '../../support/raw-update.ts'

const ADA = 7
const words = (content: string) => (encoder: encoding.Encoder) => encoding.writeVarString(encoder, content)
const STRING = 4

/** Ada has a text with "abc" under clocks 1 to 3; the text itself, in a map of the document's own, is clock 0. */
function adasText(): Uint8Array {
  return updateOf(docWith(ADA), (doc) => {
    const nested = new Y.Text()
    doc.getMap('map').set('text', nested)
    nested.insert(0, 'abc')
  })
}

const fromNowhereElse = (update: Uint8Array) => {
  const reader = new GuardedReader()
  reader.take([adasText(), update])
  return reader
}

describe('D6: an update that begins under ids that the log has, and goes on behind them', () => {
  const elsewhere = rawUpdate([{ client: ADA, clock: 2, structs: [item(STRING, words('XXde'), 'elsewhere')] }])

  const deleted = rawUpdate([], [{ client: ADA, clock: 0, length: 1 }])

  it('the attack, or the accident: for Yjs alone two types then share what is in them, and deleting one breaks off', () => {
    const doc = new Y.Doc()
    const applyAll = (): void => {
      for (const update of [adasText(), deleted, elsewhere]) Y.applyUpdate(doc, update)
    }
    expect(() => doc.transact(applyAll)).toThrow('Unexpected case')
  })

  it('its rest stands behind what the log has, and in no other type', () => {
    const { doc, faults } = fromNowhereElse(elsewhere)
    expect(doc.getMap<Y.Text>('map').get('text')?.toString()).toBe('abcde')
    expect(doc.getText('elsewhere').toString()).toBe('')
    expect(faults).toEqual([])
  })

  it('and the type may have been deleted in the same run', () => {
    const reader = new GuardedReader()
    reader.take([adasText(), deleted, elsewhere])
    expect(reader.doc.getMap('map').has('text')).toBe(false)
    expect(reader.doc.getText('elsewhere').toString()).toBe('')
    expect(reader.faults).toEqual([])
  })

  it('is read alike in one go, one by one, and from a checkpoint of what was before', () => {
    const all = [adasText(), elsewhere, deleted]
    const [atOnce, single, later] = [new GuardedReader(), new GuardedReader(), new GuardedReader()]
    atOnce.take(all)
    for (const update of all) single.take(update)
    later.take(Y.mergeUpdates(all.slice(0, 1)), { sequence: 0 })
    later.take(all.slice(1))
    expect(areEqual([atOnce.doc, single.doc, later.doc])).toBe(true)
    expect(atOnce.doc.getMap('map').has('text')).toBe(false)
  })

  it('nor is anything taken of it where the log’s own waits for somebody else’s words', () => {
    const absent = { client: 99, clock: 0 }
    const waiting = rawUpdate([
      { client: ADA, clock: 4, structs: [itemIn(absent.client, absent.clock, STRING, words('ghi'))] },
    ])
    const reader = fromNowhereElse(waiting)
    reader.take(rawUpdate([{ client: ADA, clock: 4, structs: [item(STRING, words('XY'), 'elsewhere')] }]))
    expect(reader.doc.getText('elsewhere').toString()).toBe('')
    expect(Y.getState(reader.doc.store, ADA)).toBe(4)
  })

  it('what an honest member repeats and goes on with is whole', () => {
    const doc = docWith(ADA)
    const first = updateOf(doc, () => doc.getText('text').insert(0, 'abc'))
    doc.getText('text').insert(3, 'def')
    const reader = new GuardedReader()
    reader.take([first, Y.encodeStateAsUpdate(doc)])
    expect(reader.text).toBe('abcdef')
    expect(reader.faults).toEqual([])
  })
})

describe('D6: an update that ends amid ids which wait in Yjs for what it brings', () => {
  const waiting = rawUpdate([{ client: ADA, clock: 6, structs: [itemIn(ADA, 0, STRING, words('ghi'))] }])
  const content = (reader: GuardedReader) => reader.doc.getMap<Y.Text>('map').get('text')?.toString()

  it('is refused, and told of; what waits is there once the rest has come', () => {
    const reader = fromNowhereElse(waiting)
    expect(reader.take(rawUpdate([{ client: ADA, clock: 4, structs: [text('deX')] }]))).toBe(false)
    expect(reader.faults).toEqual([expect.stringContaining('ends amid ids that the log has')])
    reader.take(rawUpdate([{ client: ADA, clock: 4, structs: [itemIn(ADA, 0, STRING, words('de'))] }]))
    expect(content(reader)).toHaveLength('abcdeghi'.length)
    reader.doc.getMap('map').delete('text')
    expect(reader.text).toBe('')
  })

  it('with all that waits it is taken: so does who heals a hole', () => {
    const reader = fromNowhereElse(waiting)
    expect(reader.take(rawUpdate([{ client: ADA, clock: 4, structs: [itemIn(ADA, 0, STRING, words('deghi'))] }]))).toBe(
      true,
    )
    expect(content(reader)).toHaveLength('abcdeghi'.length)
    expect(reader.faults).toEqual([])
  })

  it('the same content again is none of that', () => {
    const reader = fromNowhereElse(waiting)
    expect(reader.take(waiting)).toBe(true)
    expect(reader.faults).toEqual([])
  })
})
