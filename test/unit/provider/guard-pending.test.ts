import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { PacedUpdates } from '../../../packages/provider/src/guard/paced-updates.ts'
import { docWith, GuardedReader, updatesOf } from '../../support/guarded-reader.ts'

/** So many characters, one update each. */
function typing(count: number): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = docWith(7)
  const updates = updatesOf(doc, () => {
    for (let i = 0; i < count; i++) doc.getText('text').insert(i, String.fromCharCode(97 + (i % 26)))
  })
  return { doc, updates }
}

/** One update each of so many clients, all of which rest on the same one. */
function crowd(count: number): { first: Uint8Array; updates: Uint8Array[] } {
  const base = docWith(1)
  const [first] = updatesOf(base, () => base.getText('text').insert(0, 'x'))
  if (first === undefined) throw new Error('nothing was typed')
  const updates = Array.from({ length: count }, (_, i) => {
    const doc = docWith(1_000 + i)
    Y.applyUpdate(doc, first)
    const [update] = updatesOf(doc, () => doc.getText('text').insert(1, 'y'))
    if (update === undefined) throw new Error('nothing was typed')
    return update
  })
  return { first, updates }
}

/** How often a document was made to keep something for later. */
function fruitless(updates: readonly Uint8Array[], doc = new Y.Doc()): number {
  const paced = new PacedUpdates(doc)
  doc.transact(() => {
    for (const update of updates) paced.apply(update)
    paced.flush()
  })
  return paced.cost.fruitlessApplies
}

describe('D3: thousands of updates that rest on one which is left out', () => {
  it('4,000 of one writer: Yjs is asked to keep them a few hundred times, not 4,000, and nothing is lost when it comes', () => {
    const { doc, updates } = typing(4_000)
    const [withheld, ...rest] = updates
    const reader = new Y.Doc()
    expect(fruitless(rest, reader)).toBeLessThanOrEqual(300)
    Y.applyUpdate(reader, withheld as Uint8Array)
    expect(reader.getText('text').toString()).toBe(doc.getText('text').toString())
  })

  it('4,000 of 4,000 clients: the same', () => {
    const { first, updates } = crowd(4_000)
    const reader = new Y.Doc()
    expect(fruitless(updates, reader)).toBeLessThanOrEqual(300)
    Y.applyUpdate(reader, first)
    expect(reader.getText('text').length).toBe(4_001)
  })

  it('no order of 5,000 updates, and no hole in them, costs five times what they cost in order, in bytes that Yjs reads', () => {
    const { updates } = typing(5_000)
    const inOrder = work(updates)
    for (const order of [
      [...updates].reverse(),
      updates.slice(1),
      [...updates.slice(2_500), ...updates.slice(0, 2_500)],
      updates.filter((_, i) => i % 2 === 0),
    ]) {
      expect(work(order) / inOrder).toBeLessThanOrEqual(5)
    }
  })

  it('a reader that is behind is not complete, and has caught up a moment later, by itself', async () => {
    const { doc, updates } = typing(2_000)
    const reader = new GuardedReader()
    for (const update of updates.slice(1)) reader.take(update)
    expect(reader.applier.isBehind).toBe(true)
    reader.take(updates.slice(0, 1))
    await reader.clock.advance(250)
    expect([reader.applier.isBehind, reader.clock.waiting]).toEqual([false, 0])
    expect(reader.text).toBe(doc.getText('text').toString())
  })

  it('what rests on nothing that is missing is not kept waiting', () => {
    const { updates } = typing(2_000)
    const reader = new GuardedReader()
    for (const update of updates.slice(1)) reader.take(update)
    const other = docWith(9)
    reader.take(updatesOf(other, () => other.getText('text').insert(0, 'at once')))
    expect(reader.text).toBe('at once')
  })

  it('an honest hole or two is none of this: each is tried as it comes', () => {
    const { doc, updates } = typing(100)
    const reader = new GuardedReader()
    reader.take([...updates.slice(1), ...updates.slice(0, 1)])
    expect(reader.applier.isBehind).toBe(false)
    expect(reader.text).toBe(doc.getText('text').toString())
  })
})

/** Bytes that Yjs reads for these updates: what it is given, and what it has kept, each time it merges that. */
function work(updates: readonly Uint8Array[]): number {
  const doc = new Y.Doc()
  const paced = new PacedUpdates(doc)
  doc.transact(() => {
    for (const update of updates) paced.apply(update)
    paced.flush()
  })
  return updates.reduce((sum, { length }) => sum + length, paced.cost.mergedBytes)
}
