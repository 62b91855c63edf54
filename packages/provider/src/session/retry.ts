import type { Clock } from '@y-sealed/key-client'
import { backoffMs } from '../connection/backoff.ts'

/** After this long without a failure the next one waits the shortest time again. */
const CALM_MS = 60_000
/** Failures of one document (a token that cannot be had, a relay that breaks its word) are rarer than lost connections, and need not be hurried. */
const MAX_WAIT_MS = 30_000

/** When one document's session is tried again; the connection, which other documents may share, goes on. */
export class Retry {
  readonly #clock: Clock
  readonly #act: () => void
  #failures = 0
  #lastMs = Number.NEGATIVE_INFINITY
  #timer: unknown

  constructor(clock: Clock, act: () => void) {
    this.#clock = clock
    this.#act = act
  }

  soon(): void {
    const nowMs = this.#clock.now()
    if (nowMs - this.#lastMs > CALM_MS) this.#failures = 0
    this.#lastMs = nowMs
    this.stop()
    this.#timer = this.#clock.setTimeout(this.#act, backoffMs(this.#failures++, MAX_WAIT_MS, Math.random))
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
