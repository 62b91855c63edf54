import type { Clock } from '@y-sealed/key-client'
import { type KnownPlace, type ProblemCode, SealedError } from './sealed-error.ts'

/** A problem that goes on is told once; after this much quiet it counts as a new one. */
const QUIET_MS = 60_000

/** What a provider counts. Problems under their code; `replayed` etc. for what is no problem. */
export type Counters = Record<string, number>

/** Turns occurrences into events: each is counted, but only the first of a run is told. */
export class Problems {
  readonly counters: Counters = Object.create(null)
  readonly #lastSeenMs = new Map<ProblemCode, number>()
  readonly #clock: Clock
  readonly #tell: (error: SealedError) => void
  #watch: (error: SealedError) => void = () => {}

  constructor(clock: Clock, tell: (error: SealedError) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Told of every occurrence, those included that are only counted. */
  watch(watch: (error: SealedError) => void): void {
    this.#watch = watch
  }

  count(name: string, by = 1): void {
    this.counters[name] = (this.counters[name] ?? 0) + by
  }

  raise(code: ProblemCode, message: string, where: string, known: KnownPlace = {}): SealedError {
    const error = new SealedError(code, message, where, known)
    this.count(code)
    const nowMs = this.#clock.now()
    const lastMs = this.#lastSeenMs.get(code)
    this.#lastSeenMs.set(code, nowMs)
    this.#watch(error)
    if (lastMs === undefined || nowMs - lastMs > QUIET_MS) this.#tell(error)
    return error
  }

  /** True if the problem was standing: the caller then tells of the recovery. The next occurrence is told again. */
  recover(code: ProblemCode): boolean {
    return this.#lastSeenMs.delete(code)
  }
}
