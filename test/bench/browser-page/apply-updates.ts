import * as Y from 'yjs'
import { Keystrokes } from '../clients/keystrokes.ts'

// Any id of five bytes, as random ones are.
const CLIENT_ID = 2 ** 30

export function keystrokeUpdates(count: number): Uint8Array[] {
  const keystrokes = new Keystrokes(CLIENT_ID)
  return Array.from({ length: count }, () => keystrokes.next())
}

/** What Yjs alone needs: as a plaintext provider applies them, one after the other. Resolves with milliseconds. */
export function applyOneByOne(updates: readonly Uint8Array[]): number {
  const doc = new Y.Doc()
  const startMs = performance.now()
  for (const update of updates) Y.applyUpdate(doc, update)
  return performance.now() - startMs
}

/** The same in one transaction. */
export function applyInOneTransaction(updates: readonly Uint8Array[]): number {
  const doc = new Y.Doc()
  const startMs = performance.now()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  return performance.now() - startMs
}
