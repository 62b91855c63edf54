import type { Clock } from '@y-sealed/key-client'

/** A relay that is heard but does not get on has the 30 s that silence has on the connection itself: two looks without a change. */
const LOOK_MS = 15_000
const PATIENT_LOOKS = 2

export interface StallWatchPorts {
  readonly clock: Clock
  /** Something changes in this whenever the session gets on; undefined while nothing is awaited of the relay. */
  progress(): string | undefined
  onStall(): void
}

/** Nothing that the relay owes (an answer to join, read or append) is waited for without end. */
export class StallWatch {
  readonly #ports: StallWatchPorts
  #timer: unknown
  #last: string | undefined
  #unchanged = 0

  constructor(ports: StallWatchPorts) {
    this.#ports = ports
  }

  start(): void {
    this.stop()
    this.#last = this.#ports.progress()
    this.#unchanged = 0
    this.#lookLater()
  }

  stop(): void {
    this.#ports.clock.clearTimeout(this.#timer)
  }

  #lookLater(): void {
    this.#timer = this.#ports.clock.setTimeout(() => this.#look(), LOOK_MS)
  }

  #look(): void {
    const progress = this.#ports.progress()
    this.#unchanged = progress !== undefined && progress === this.#last ? this.#unchanged + 1 : 0
    this.#last = progress
    this.#lookLater()
    if (this.#unchanged === PATIENT_LOOKS) this.#ports.onStall()
  }
}
