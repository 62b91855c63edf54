import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { difference } from '../../../packages/provider/src/log-state/difference.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { docWith, GuardedReader, updateOf } from '../../support/guarded-reader.ts'
import { rawUpdate } from '../../support/raw-update.ts'

const VICTIM = 7

const typed = (words: string): Uint8Array => updateOf(docWith(VICTIM), (doc) => doc.getText('text').insert(0, words))
const deleting = (length: number, clock = 0): Uint8Array => rawUpdate([], [{ client: VICTIM, clock, length }])

describe('D5: deletes of what nobody has written yet', () => {
  it('the attack: without the guard, what the victim writes afterwards is gone everywhere', () => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, deleting(1_000_000))
    Y.applyUpdate(doc, typed('hello'))
    expect(doc.getText('text').toString()).toBe('')
  })

  it('are left out, and told of by their sealer once somebody has written there', () => {
    const reader = new GuardedReader()
    expect(reader.take(deleting(1_000_000), { sealer: 'deadbeef' })).toBe(true)
    expect([reader.doc.store.pendingDs, reader.faults]).toEqual([null, []])
    reader.take(typed('hello'))
    expect(reader.text).toBe('hello')
    expect(reader.faults).toEqual([expect.stringMatching(/^member-fault: .*sealer deadbeef, sequence 1\b/)])
    expect(difference(reader.doc, reader.logState)).toBeUndefined()
  })

  it('the victim decides like everybody else: its own entry comes behind the delete', () => {
    const doc = docWith(VICTIM)
    const victim = new GuardedReader(doc)
    const update = updateOf(doc, () => doc.getText('text').insert(0, 'hello'))
    victim.take(deleting(1_000_000))
    victim.acked(update)
    expect([victim.text, victim.faults.length]).toEqual(['hello', 1])
    expect(difference(doc, victim.logState)).toBeUndefined()
  })

  it('nothing else of the update is left out: its words and its other deletes count', () => {
    const reader = new GuardedReader()
    const ada = docWith(3)
    reader.take(updateOf(ada, (doc) => doc.getText('text').insert(0, 'one two')))
    const change = updateOf(ada, (doc) => {
      doc.getText('text').delete(0, 4)
      doc.getText('text').insert(0, 'and ')
    })
    reader.take(Y.mergeUpdates([change, deleting(50)]))
    expect(reader.text).toBe('and two')
    reader.take(typed('!'))
    expect(reader.text).toContain('!')
  })

  it('of a part that is there and a part that is not, the one is deleted and the other is not', () => {
    const doc = docWith(VICTIM)
    const reader = new GuardedReader()
    reader.take(updateOf(doc, () => doc.getText('text').insert(0, 'old')))
    reader.take(deleting(100))
    expect(reader.text).toBe('')
    reader.take(updateOf(doc, () => doc.getText('text').insert(3, ' new')))
    expect(reader.text).toBe(' new')
  })
})

describe('an honest delete that comes before what it deletes, because an entry was lost', () => {
  it('counts when the lost entry comes late', () => {
    const reader = new GuardedReader()
    reader.take(deleting(2))
    reader.take(typed('hello'), { isLate: true })
    expect([reader.text, reader.faults]).toEqual(['llo', []])
    expect(difference(reader.doc, reader.logState)).toBeUndefined()
  })

  it('counts when somebody brings what was lost as a repair', () => {
    const reader = new GuardedReader()
    reader.take(deleting(2))
    reader.take(typed('hello'), { isRepair: true })
    expect([reader.text, reader.faults]).toEqual(['llo', []])
  })

  it('counts when what it deletes stood before it in the log, and was held back', () => {
    const reader = new GuardedReader()
    reader.take(deleting(2), { sequence: 9 })
    reader.take(typed('hello'), { sequence: 8 })
    expect([reader.text, reader.faults]).toEqual(['llo', []])
  })

  it('is handed to whoever copies the log, as it counts', () => {
    const reader = new GuardedReader()
    reader.take(deleting(2))
    reader.take(typed('hello'), { isRepair: true })
    const copy = new Y.Doc()
    for (const update of reader.logged) Y.applyUpdate(copy, update)
    expect([copy.getText('text').toString(), copy.store.pendingDs]).toEqual(['llo', null])
  })

  it('of many that are kept none is mixed up with another, and there is an end to it', () => {
    const reader = new GuardedReader()
    reader.take(Array.from({ length: 5_000 }, (_, i) => deleting(1, i * 2)))
    expect(reader.faults.length).toBe(5_000 - 4_096)
    reader.take(typed('x'.repeat(10_000)), { isRepair: true })
    expect(reader.text.length).toBe(10_000 - 4_096)
  })
})

it('a difference holds no delete of what neither it nor the log holds, such as Yjs keeps of another provider', () => {
  const doc = docWith(3)
  doc.getText('text').insert(0, 'mine')
  Y.applyUpdate(doc, deleting(5))
  const update = difference(doc, new LogState())
  expect(update && [...Y.decodeUpdate(update).ds.clients.keys()]).toEqual([])
  const reader = new GuardedReader()
  if (update !== undefined) reader.take(update)
  expect(difference(doc, reader.logState)).toBeUndefined()
})
