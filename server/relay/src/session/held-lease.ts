import type { Clock } from '../clock.ts'
import type { Connection } from '../transport/connection.ts'
import type { Staging } from './staging.ts'

// Bytes are looked at so often per lease: a look costs nothing, a renewal one row.
const LOOKS_PER_LEASE = 4

export interface HeldLeaseOptions {
  clock: Clock
  connection: Connection
  /** The number of the `lease` request: what is staged and opened under it belongs to the lease. */
  request: number
  staging: Staging
  leaseMs: number
  /** Begins the lease anew in the store; false: it is not the session's any more. */
  renew(): Promise<boolean>
  onLost(): void
}

/**
 * How long the store must be asked for: a byte that comes at the end of `leaseMs` is seen by the next look, and must then
 * still find the lease there.
 */
export function storedLeaseMs(leaseMs: number): number {
  return leaseMs + leaseMs / LOOKS_PER_LEASE
}

/** A lease that a session has: renewed while bytes arrive from its holder, whole messages or not. */
export class HeldLease {
  readonly request: number
  readonly staging: Staging
  readonly #options: HeldLeaseOptions
  #bytesHeard: number
  #endsAt: number
  #timer: unknown

  constructor(options: HeldLeaseOptions) {
    this.#options = options
    this.request = options.request
    this.staging = options.staging
    this.#bytesHeard = options.connection.bytesHeard
    this.#endsAt = this.#nextEnd()
    this.#schedule()
  }

  /** It is over, however that came; what is staged goes with it. */
  end(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.staging.drop()
  }

  #nextEnd(): number {
    return this.#options.clock.now() + storedLeaseMs(this.#options.leaseMs)
  }

  #schedule(): void {
    const { clock, leaseMs } = this.#options
    this.#timer = clock.setTimeout(() => {
      // A store that fails says so to the next request; until then the lease may just as well run out.
      this.#look().catch(() => {})
    }, leaseMs / LOOKS_PER_LEASE)
  }

  async #look(): Promise<void> {
    const { clock, connection, renew, onLost } = this.#options
    this.#schedule()
    const { bytesHeard } = connection
    if (bytesHeard > this.#bytesHeard) {
      this.#bytesHeard = bytesHeard
      if (await renew()) this.#endsAt = this.#nextEnd()
      else if (this.#timer !== undefined) onLost()
    } else if (clock.now() >= this.#endsAt) {
      onLost()
    }
  }
}
