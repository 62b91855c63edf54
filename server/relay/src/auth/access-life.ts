import type { Clock } from '../clock.ts'

// What Node's timers can wait for; longer ones would fire at once.
const MAX_TIMER_MS = 2 ** 31 - 1

export interface AccessLifeOptions {
  clock: Clock
  /** How long after its end an access still counts. */
  toleranceMs: number
  onEnd(): void
}

/** When a session's access ends, unless another one comes before. */
export class AccessLife {
  readonly #options: AccessLifeOptions
  #endsAtUnixMs: number | undefined
  #timer: unknown

  constructor(options: AccessLifeOptions) {
    this.#options = options
  }

  /** ms until the access ends, 0 if it has; undefined: it lasts as long as the session. */
  get lifeMs(): number | undefined {
    if (this.#endsAtUnixMs === undefined) return undefined
    return Math.min(MAX_TIMER_MS, Math.max(0, this.#endsAtUnixMs - this.#options.clock.now()))
  }

  endsAt(unixMs: number | undefined): void {
    this.stop()
    this.#endsAtUnixMs = unixMs
    this.#wait()
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(): void {
    if (this.#endsAtUnixMs === undefined) return
    const { clock, toleranceMs, onEnd } = this.#options
    const leftMs = this.#endsAtUnixMs + toleranceMs - clock.now()
    this.#timer = clock.setTimeout(
      () => (leftMs > MAX_TIMER_MS ? this.#wait() : onEnd()),
      Math.min(leftMs, MAX_TIMER_MS),
    )
  }
}
