import type { Clock } from '@y-sealed/key-client'
import { type SyncStatus, YELLOW_MS } from './sync-status.ts'

export interface StatusTellerPorts {
  readonly clock: Clock
  read(): SyncStatus
  tell(status: SyncStatus): void
}

/** Tells of the sync status when it changed in more than its ages, and looks again when an unsynced edit turns from yellow to red. */
export class StatusTeller {
  readonly #ports: StatusTellerPorts
  #last = ''
  #timer: unknown
  #isStopped = false

  constructor(ports: StatusTellerPorts) {
    this.#ports = ports
  }

  look(): void {
    if (this.#isStopped) return
    const { clock, read, tell } = this.#ports
    const status = read()
    clock.clearTimeout(this.#timer)
    if (status.status === 'yellow') {
      this.#timer = clock.setTimeout(() => this.look(), YELLOW_MS - status.localUpdatesAge)
    }
    const facts = `${status.status} ${status.connected} ${status.receivedInitialSync} ${status.localUpdatesSynced}`
    if (facts === this.#last) return
    this.#last = facts
    tell(status)
  }

  stop(): void {
    this.#isStopped = true
    this.#ports.clock.clearTimeout(this.#timer)
  }
}
