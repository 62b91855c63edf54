import type { LogStore } from './log-store.ts'

/** Whether a store answers. One question at a time, whose answer is everybody's who asks meanwhile: anybody may ask, as often as they like. */
export function answering(store: Pick<LogStore, 'head'>): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined
  async function ask(): Promise<boolean> {
    try {
      // No room has an empty name: looked up like any other, and never found.
      await store.head('')
      return true
    } catch {
      return false
    } finally {
      asked = undefined
    }
  }
  return () => {
    asked ??= ask()
    return asked
  }
}
