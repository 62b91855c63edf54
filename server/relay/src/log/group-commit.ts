/**
 * Collects the writes that arrive in one turn of the event loop and makes them durable with one transaction: a durable
 * commit costs a disk's round trip whether it holds one append or a thousand.
 */
export interface GroupCommit {
  /** Resolves with what `write` returned once its transaction is durable; rejects if nothing of it was stored. */
  add<T>(write: () => T): Promise<T>
  /** Commits what waits, now. */
  flush(): void
}

export interface Transaction {
  begin(): void
  commit(): void
  rollback(): void
}

interface Waiting {
  write: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export function createGroupCommit(transaction: Transaction): GroupCommit {
  let waiting: Waiting[] = []
  let scheduled: NodeJS.Immediate | undefined

  function flush(): void {
    clearImmediate(scheduled)
    scheduled = undefined
    const group = waiting
    waiting = []
    if (group.length === 0) return
    try {
      transaction.begin()
      const results = group.map(({ write }) => write())
      transaction.commit()
      // Resolved in the order of the writes, so that sequences leave the relay in order.
      group.forEach(({ resolve }, i) => {
        resolve(results[i])
      })
    } catch (error) {
      transaction.rollback()
      // The whole group, not the one that failed: a later write may have counted on an earlier one.
      for (const { reject } of group) reject(error)
    }
  }

  return {
    flush,
    add<T>(write: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        // `resolve` gets the value of this very `write`; the list only forgets its type.
        waiting.push({ write, resolve: resolve as (value: unknown) => void, reject })
        // After the poll phase: every socket that was readable in this turn has been read by then.
        scheduled ??= setImmediate(flush)
      })
    },
  }
}
