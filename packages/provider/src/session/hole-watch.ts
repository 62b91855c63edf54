import type { Clock } from '@y-sealed/key-client'

/** Entries come in order on one connection; what is missing for this long is asked for again, and then given up on. */
const HOLE_PATIENCE_MS = 2_000

export interface HoleWatchPorts {
  readonly clock: Clock
  hasHole(): boolean
  /** The first time. */
  onHole(): void
  /** Still there after it was read again. */
  onStubbornHole(): void
}

/** Watches for sequences that the relay leaves out. */
export class HoleWatch {
  readonly #ports: HoleWatchPorts
  #timer: unknown
  #seen = 0

  constructor(ports: HoleWatchPorts) {
    this.#ports = ports
  }

  look(): void {
    if (!this.#ports.hasHole()) this.stop()
    else this.#timer ??= this.#ports.clock.setTimeout(() => this.#due(), HOLE_PATIENCE_MS)
  }

  stop(): void {
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#seen = 0
  }

  #due(): void {
    this.#timer = undefined
    if (!this.#ports.hasHole()) return
    if (this.#seen++ === 0) {
      this.#ports.onHole()
      this.look()
    } else {
      this.stop()
      this.#ports.onStubbornHole()
    }
  }
}
