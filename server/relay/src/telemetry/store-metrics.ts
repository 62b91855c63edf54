import type { LogStore } from '../log/log-store.ts'
import { Histogram } from './histogram.ts'
import { errorFields } from './log.ts'

// Seconds. A look that memory answers takes microseconds, a commit on an SSD some ms; what takes seconds, people feel.
export const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** What is timed: the acts that clients wait for. */
const OPERATIONS = ['append', 'open', 'compact', 'read', 'checkpoint', 'head'] as const
type Operation = (typeof OPERATIONS)[number]

/** How long the store takes, and how often and how it fails. */
export class StoreMetrics {
  readonly #seconds = new Map<Operation, Histogram>(OPERATIONS.map((name) => [name, new Histogram(SECONDS_BUCKETS)]))
  readonly #failures = new Map<string, number>()

  /** The same store, watched. */
  watch(store: LogStore): LogStore {
    return {
      ...store,
      append: (request) => this.#timed('append', store.append(request)),
      open: (request) => this.#timed('open', store.open(request)),
      compact: (request) => this.#timed('compact', store.compact(request)),
      read: (room, after, maxBytes) => this.#timed('read', store.read(room, after, maxBytes)),
      checkpoint: (room, hash, wanted) => this.#timed('checkpoint', store.checkpoint(room, hash, wanted)),
      head: (room) => this.#timed('head', store.head(room)),
    }
  }

  lines(prefix: string): string[] {
    const [seconds, failures] = [`${prefix}store_seconds`, `${prefix}store_failures_total`]
    return [
      `# HELP ${seconds} How long the store took for what clients wait for, by operation.`,
      `# TYPE ${seconds} histogram`,
      ...[...this.#seconds].flatMap(([operation, histogram]) => histogram.lines(seconds, `operation="${operation}"`)),
      `# HELP ${failures} What the store could not do, by its own code.`,
      `# TYPE ${failures} counter`,
      ...[...this.#failures].map(([code, count]) => `${failures}{code="${code}"} ${count}`),
    ]
  }

  #timed<T>(operation: Operation, result: Promise<T>): Promise<T> {
    const since = performance.now()
    result.then(
      () => this.#seconds.get(operation)?.add(performance.now() - since),
      (error: unknown) => this.#failed(error),
    )
    return result
  }

  /** Codes of SQLite, PostgreSQL and Node: a few dozen, and none has content in it. */
  #failed(error: unknown): void {
    const { code = 'other' } = errorFields(error)
    const label = /^\w{1,40}$/.test(String(code)) ? String(code) : 'other'
    this.#failures.set(label, (this.#failures.get(label) ?? 0) + 1)
  }
}
