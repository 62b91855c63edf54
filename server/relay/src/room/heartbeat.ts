import type { Clock } from '../clock.ts'
import type { LogHead } from '../log/log-store.ts'

export interface Heartbeat {
  start(): void
  /** The log has grown. */
  changed(): void
  stop(): void
}

export interface HeartbeatOptions {
  clock: Clock
  /** Reads the head from the store: a heartbeat that repeated what memory says would find nothing out. */
  readHead(): Promise<LogHead>
  onHead(head: LogHead): void
  onFailure(error: unknown): void
  afterChangeMs: number
  everyMs: number
}

/** Protocol §7: some seconds after a change, so that a lost last entry is noticed, then at even intervals. */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { clock, afterChangeMs, everyMs } = options
  let timer: unknown
  let isSoon = false

  function schedule(delayMs: number): void {
    clock.clearTimeout(timer)
    isSoon = delayMs === afterChangeMs
    timer = clock.setTimeout(beat, delayMs)
  }

  function beat(): void {
    schedule(everyMs)
    options.readHead().then((head) => {
      if (timer !== undefined) options.onHead(head)
    }, options.onFailure)
  }

  return {
    start() {
      if (timer === undefined) schedule(everyMs)
    },
    changed() {
      // Not pushed back by further changes: who types without a pause is checked too.
      if (timer !== undefined && !isSoon) schedule(afterChangeMs)
    },
    stop() {
      clock.clearTimeout(timer)
      timer = undefined
    },
  }
}
