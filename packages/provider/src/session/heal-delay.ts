import type { Clock } from '@y-sealed/key-client'

/** All members miss what a relay has lost. Each draws a lot: what the first one publishes reaches the others within a fraction of this, and they find nothing missing. */
const MAX_DELAY_MS = 5_000

/** How long a member waits with what others have written and the log lacks. What its own user types does not wait, nor what that may rest on. */
export class HealDelay {
  readonly #clock: Clock
  readonly #onOver: () => void
  #timer: unknown

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock
    this.#onOver = onOver
  }

  begin(): void {
    this.stop()
    this.#timer = this.#clock.setTimeout(() => this.hurry(), Math.random() * MAX_DELAY_MS)
  }

  /** It is over now, if it had begun. */
  hurry(): void {
    if (this.#timer === undefined) return
    this.stop()
    this.#onOver()
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
