import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { below, seededRandom } from '../../support/random.ts'

function docOf(...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

/** Types letter by letter; an update for each. */
function typed(letters: string): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const letter of letters) doc.getText('t').insert(0, letter)
  return updates
}

describe('what a document holds', () => {
  it('is what the log holds that it was read from, and nothing of it is missing on either side', () => {
    const doc = new Y.Doc()
    const log = new LogState()
    doc.on('update', (update: Uint8Array) => log.add(update))
    doc.getText('t').insert(0, 'hello world')
    doc.getText('t').delete(3, 2)
    doc.getMap('m').set('a', 1)
    doc.getMap('m').set('a', 2)
    // A map entry that is replaced is deleted by the one that replaces it, for everybody alike.
    const implied = LogState.of(doc).minus(log)
    log.addAll(implied)
    expect([LogState.of(doc).minus(log).isEmpty, log.minus(LogState.of(doc)).isEmpty]).toEqual([true, true])
  })

  it('shows a missing delete', () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'hello')
    const before = LogState.of(doc)
    doc.getText('t').delete(0, 1)
    expect(LogState.of(doc).minus(before).ranges).toEqual({ existing: [], deleted: [[doc.clientID, [[0, 1]]]] })
  })

  it('counts what waits for something that is missing', () => {
    const [first = new Uint8Array(), , third = new Uint8Array()] = typed('abc')
    const doc = docOf(first, third)
    expect(doc.getText('t').length).toBe(1)
    const known = new LogState()
    known.add(first)
    known.add(third)
    expect([known.minus(LogState.of(doc)).isEmpty, LogState.of(doc).minus(known).isEmpty]).toEqual([true, true])
  })

  it('counts a delete that waits for what it deletes', () => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    doc.getText('t').insert(0, 'abc')
    doc.getText('t').delete(1, 1)
    const [, deletion = new Uint8Array()] = updates
    expect(LogState.of(docOf(deletion)).ranges.deleted).toEqual([[doc.clientID, [[1, 1]]]])
  })
})

it('what turned out not to be in the log is taken out, in whatever pieces it was put there (seed shears)', () => {
  const random = seededRandom('shears')
  for (let round = 0; round < 200; round++) {
    const updates = typed('a'.repeat(30))
    const kept = updates.map(() => below(random, 2) === 0)
    const all = new LogState()
    const left = new LogState()
    const taken = new LogState()
    updates.forEach((update, at) => {
      all.add(update)
      const part = kept[at] ? left : taken
      part.add(update)
    })
    expect(all.minus(taken).ranges).toEqual(left.ranges)
    all.removeAll(taken)
    expect(all.ranges).toEqual(left.ranges)
  }
})
