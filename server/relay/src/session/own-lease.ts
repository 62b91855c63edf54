import type { Lease, Leased, Pause, Paused } from '@y-sealed/protocol'
import type { RelayContext } from '../context.ts'
import type { Connection } from '../transport/connection.ts'
import { HeldLease, storedLeaseMs } from './held-lease.ts'
import { refusalFor } from './refusal.ts'
import { Staging } from './staging.ts'

export interface OwnLeaseOptions {
  context: RelayContext
  room: string
  session: number
  connection: Connection
}

/** The document's lease as one session has it, with what is staged under it, and the pause that it allows. */
export class OwnLease {
  readonly #options: OwnLeaseOptions
  #held: HeldLease | undefined

  constructor(options: OwnLeaseOptions) {
    this.#options = options
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** Whether this is the number of the lease that it has. */
  is(request: number): boolean {
    return this.#held?.request === request
  }

  /** What is staged under the lease with this number. */
  stagingOf(request: number): Staging | undefined {
    return this.is(request) ? this.#held?.staging : undefined
  }

  /** Throws Refusal `busy` or `stale-epoch`. */
  async take({ channel, request, purpose, head }: Lease): Promise<Leased> {
    const { context, room, session, connection } = this.#options
    const { store, clock, limits, held, rotations } = context
    const { leaseMs, maxAppendBytes } = limits
    const document = { room, session, leaseMs: storedLeaseMs(leaseMs) }
    const result = await store.lease({ ...document, purpose, head, ...(rotations && { atMost: rotations }) })
    if (!result.granted) throw refusalFor(result.code, result.record)
    this.drop()
    const renew = () => store.renew(document)
    const staging = new Staging(held, maxAppendBytes)
    this.#held = new HeldLease({ clock, connection, request, staging, leaseMs, renew, onLost: () => this.drop() })
    return { type: 'leased', channel, request, leaseMs }
  }

  /** Throws Refusal `busy` or `limit`. */
  async pause({ channel, request }: Pause): Promise<Paused> {
    const { context, room, session } = this.#options
    const { pauseMs, pauseAgainMs: againMs } = context.limits
    const result = await context.store.pause({ room, session, pauseMs, againMs })
    if (!result.granted) throw refusalFor(result.code)
    const { sequence, hash } = result
    return { type: 'paused', channel, request, sequence, hash }
  }

  /** Ends lease and pause, also in the store. */
  async giveBack(): Promise<void> {
    const { context, room, session } = this.#options
    this.drop()
    await context.store.release(room, session)
  }

  /** It is over, or was lost; what is staged goes with it. */
  drop(): void {
    this.#held?.end()
    this.#held = undefined
  }
}
