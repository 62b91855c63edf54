import type { Clock } from '../clock.ts'
import type { LogStore } from './log-store.ts'
import type { SweepTerms } from './retention.ts'

export interface Sweeper {
  start(): void
  /** Sweeps now, behind the one that is under way. What cannot be deleted is left to the next one. */
  sweepNow(): Promise<void>
  /** Resolves when no sweep is under way. */
  settled(): Promise<void>
  /** No sweep begins any more; resolves when none is under way. */
  stop(): Promise<void>
}

export interface SweeperOptions {
  clock: Clock
  store: LogStore
  terms: SweepTerms
  everyMs: number
  /** What could not be deleted is tried again next time. */
  onFailure(error: unknown): void
}

/** Deletes what is due, again and again: step by step, so that whoever writes meanwhile stands between two steps. */
export function createSweeper({ clock, store, terms, everyMs, onFailure }: SweeperOptions): Sweeper {
  let timer: unknown
  let isStopped = false
  let underWay = Promise.resolve()

  async function sweep(): Promise<void> {
    while (!isStopped && (await store.sweep(terms)));
  }

  function sweepNow(): Promise<void> {
    underWay = underWay.then(sweep).catch(onFailure)
    return underWay
  }

  function schedule(): void {
    timer = clock.setTimeout(() => {
      void sweepNow().finally(() => {
        // Counted from the end: a sweep that takes long must not follow itself.
        if (!isStopped) schedule()
      })
    }, everyMs)
  }

  return {
    start: schedule,
    sweepNow,
    settled: () => underWay,
    stop() {
      isStopped = true
      clock.clearTimeout(timer)
      return underWay
    },
  }
}
