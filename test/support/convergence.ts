import * as Y from 'yjs'
import { patiently } from './events.ts'

/** Same content and same deletions, which a comparison of state vectors would not see. */
export function areEqual(docs: readonly Y.Doc[]): boolean {
  const [first, ...others] = docs.map((doc) => Y.snapshot(doc))
  return first === undefined || others.every((other) => Y.equalSnapshots(first, other))
}

/** Resolves as soon as all the documents are equal. */
export function untilEqual(docs: readonly Y.Doc[], what = 'equal documents'): Promise<void> {
  let look = (): void => {}
  const equal = new Promise<void>((resolve) => {
    look = () => {
      if (areEqual(docs)) resolve()
    }
    for (const doc of docs) doc.on('update', look)
    look()
  })
  return patiently(equal, what).finally(() => {
    for (const doc of docs) doc.off('update', look)
  })
}
