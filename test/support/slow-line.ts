import type { Clock } from '@y-sealed/key-client'

interface Carried {
  readonly bytes: number
  readonly bytesPerSecond: number
  /** When its last byte has left, by the line's clock. */
  readonly dueMs: number
  readonly arrive: () => void
}

const MS_PER_SECOND = 1_000

/** One direction of a connection with little bandwidth: frames arrive in order, each when all its bytes have had their time. */
export class SlowLine {
  readonly #clock: Clock
  #frames: Carried[] = []
  #timer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isIdle(): boolean {
    return this.#frames.length === 0
  }

  /** Bytes that have not left yet; of the frame that is leaving, the part that is still here. */
  get bufferedBytes(): number {
    const nowMs = this.#clock.now()
    return this.#frames.reduce((sum, { bytes, bytesPerSecond, dueMs }) => {
      const leftBytes = Math.ceil((Math.max(dueMs - nowMs, 0) * bytesPerSecond) / MS_PER_SECOND)
      return sum + Math.min(bytes, leftBytes)
    }, 0)
  }

  /** A frame of no bytes arrives right after what was there before it. */
  carry(bytes: number, bytesPerSecond: number, arrive: () => void): void {
    const freeAtMs = Math.max(this.#frames.at(-1)?.dueMs ?? 0, this.#clock.now())
    this.#frames.push({ bytes, bytesPerSecond, dueMs: freeAtMs + (bytes * MS_PER_SECOND) / bytesPerSecond, arrive })
    this.#arm()
  }

  /** Everything arrives now, in order. */
  flush(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    // One by one: what arrives may let the line be dropped.
    for (let next = this.#frames.shift(); next !== undefined; next = this.#frames.shift()) next.arrive()
  }

  /** Nothing more arrives. */
  drop(): void {
    this.#frames = []
    this.flush()
  }

  // One timer, for the frame in front: what ends the line has one thing to clear.
  #arm(): void {
    const [first] = this.#frames
    if (first === undefined || this.#timer !== undefined) return
    const waitMs = Math.max(Math.ceil(first.dueMs - this.#clock.now()), 0)
    this.#timer = this.#clock.setTimeout(() => this.#deliver(), waitMs)
  }

  #deliver(): void {
    this.#timer = undefined
    const nowMs = this.#clock.now()
    while (this.#frames[0] !== undefined && this.#frames[0].dueMs <= nowMs) this.#frames.shift()?.arrive()
    this.#arm()
  }
}
