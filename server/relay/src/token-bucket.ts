import type { Clock } from './clock.ts'

export interface Rate {
  /** How many at once. */
  burst: number
  /** How many a second in the long run. */
  perSecond: number
}

/** So many at once, and then so many a second. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #rate: Rate
  #tokens: number
  #atUnixMs: number

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atUnixMs = clock.now()
  }

  /** Nothing was taken for so long that it might as well be a new one. */
  get isFull(): boolean {
    this.#fill()
    return this.#tokens >= this.#rate.burst
  }

  /** Takes one, if there is one. */
  take(): boolean {
    this.#fill()
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** How long until there is one. */
  get waitMs(): number {
    this.#fill()
    return Math.max(0, Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1_000))
  }

  #fill(): void {
    const now = this.#clock.now()
    // A clock that was set back fills nothing, and takes nothing away.
    const passedMs = Math.max(0, now - this.#atUnixMs)
    this.#atUnixMs = now
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (passedMs / 1_000) * this.#rate.perSecond)
  }
}
