import type { Clock } from '@y-sealed/key-client'

/** As long as the connection's own patience with silence: a relay that is heard but does not get on is looked at this often, and given up the second time. */
const LOOK_MS = 15_000

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

  constructor(ports: StallWatchPorts) {
    this.#ports = ports
  }

  start(): void {
    this.stop()
    this.#last = this.#ports.progress()
    this.#timer = this.#ports.clock.setTimeout(() => this.#look(), LOOK_MS)
  }

  stop(): void {
    this.#ports.clock.clearTimeout(this.#timer)
  }

  #look(): void {
    const { onStall } = this.#ports
    const before = this.#last
    this.start()
    if (before !== undefined && before === this.#last) onStall()
  }
}
