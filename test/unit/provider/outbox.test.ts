import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { Outbox } from '../../../packages/provider/src/outbound/outbox.ts'

function typed(text: string): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const character of text) doc.getText('t').insert(doc.getText('t').length, character)
  return updates
}

const read = (update: Uint8Array | undefined): string => {
  const doc = new Y.Doc()
  if (update !== undefined) Y.applyUpdate(doc, update)
  return doc.getText('t').toString()
}

const never = (): never => {
  throw new Error('not asked')
}

describe('the outbox', () => {
  it('takes what waits as one update, and keeps it until it is settled', () => {
    const outbox = new Outbox()
    for (const update of typed('abc')) outbox.add(update, 5)
    expect(read(outbox.take(never))).toBe('abc')
    expect([outbox.isEmpty, outbox.isInFlight, outbox.hasWaiting]).toEqual([false, true, false])
    expect(outbox.oldestMs).toBe(5)
    outbox.settle()
    expect(outbox.isEmpty).toBe(true)
  })

  it('never merges a long list: it takes a difference', () => {
    const outbox = new Outbox()
    for (const update of typed('x'.repeat(100))) outbox.add(update, 5)
    const difference = Uint8Array.of(1)
    expect(outbox.take(() => difference)).toBe(difference)
  })

  it('is replaced by what the log lacks, and remembers how long that has been waiting', () => {
    const outbox = new Outbox()
    outbox.add(Uint8Array.of(0, 0), 5)
    outbox.take(never)
    outbox.add(Uint8Array.of(0, 0), 9)
    outbox.replace(Uint8Array.of(7), 100)
    expect([outbox.isInFlight, outbox.hasWaiting, outbox.oldestMs]).toEqual([false, true, 5])
    expect(outbox.take(never)).toEqual(Uint8Array.of(7))
    outbox.replace(undefined, 100)
    expect(outbox.isEmpty).toBe(true)
  })
})
