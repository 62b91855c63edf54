import type { Clock } from '../clock.ts'
import { type Rate, TokenBucket } from '../token-bucket.ts'

export interface Awareness {
  readonly envelope: Uint8Array
  /** That it is sealed for. */
  readonly epochIndex: number
}

/** A session's awareness, no faster than everybody in the room has to hear it: of what comes sooner the newest waits for its turn, the rest is nobody's loss. */
export class AwarenessPace {
  readonly #clock: Clock
  readonly #bucket: TokenBucket
  readonly #say: (awareness: Awareness) => void
  #newest: Awareness | undefined
  #timer: unknown

  constructor(clock: Clock, rate: Rate, say: (awareness: Awareness) => void) {
    this.#clock = clock
    this.#bucket = new TokenBucket(clock, rate)
    this.#say = say
  }

  say(awareness: Awareness): void {
    if (this.#newest === undefined && this.#bucket.take()) {
      this.#say(awareness)
      return
    }
    if (this.#newest === undefined) this.#timer = this.#clock.setTimeout(() => this.#sayNewest(), this.#bucket.waitMs)
    this.#newest = awareness
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#newest = undefined
  }

  #sayNewest(): void {
    const newest = this.#newest
    this.#newest = undefined
    this.#bucket.take()
    if (newest !== undefined) this.#say(newest)
  }
}
