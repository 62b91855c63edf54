import type { Clock } from '@y-sealed/key-client'
import type { SealedError } from '../sealed-error.ts'

/** What is over a limit of the relay's is tried again after this, and then less and less often: quotas are raised, overload passes. */
const FIRST_RETRY_MS = 30_000
const MAX_RETRY_MS = 600_000

/** Something stands in the way of what waits (a limit, a fork): nothing is sent until the user changes something, or for a while. */
export class Obstacle {
  readonly #clock: Clock
  readonly #retry: () => void
  #error: SealedError | undefined
  #timer: unknown
  #retryMs = FIRST_RETRY_MS

  constructor(clock: Clock, retry: () => void) {
    this.#clock = clock
    this.#retry = retry
  }

  get error(): SealedError | undefined {
    return this.#error
  }

  met(error: SealedError): void {
    this.#error = error
    this.stopWaiting()
    this.#timer = this.#clock.setTimeout(this.#retry, this.#retryMs)
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2)
  }

  /** Tried again. True if there was one. */
  forgive(): boolean {
    const wasThere = this.#error !== undefined
    this.#error = undefined
    return wasThere
  }

  /** The relay has taken something: the next one waits the shortest time again. */
  passed(): void {
    this.#retryMs = FIRST_RETRY_MS
  }

  stopWaiting(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
