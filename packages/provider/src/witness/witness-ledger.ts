import type { Clock } from '@y-sealed/key-client'
import { hex } from '../hex.ts'

/** The longest that an honest room takes: 40 s until a witness is due, and time for it to arrive. */
const PATIENCE_MS = 60_000

/** Somebody else has seen the same log. */
export interface Verified {
  /** Through here, inclusive. */
  readonly sequence: number
  /** When they said so: unix ms, by their clock. */
  readonly at: number
}

/** Others write, and nobody else has said of what they write that it has seen the same. */
export interface Unwitnessed {
  /** Of the newest entry of somebody else. */
  readonly sequence: number
  /** Since when, unix ms. */
  readonly since: number
}

export interface WitnessLedgerPorts {
  readonly clock: Clock
  onVerified(verified: Verified): void
  onUnwitnessed(unwitnessed: Unwitnessed | undefined): void
}

/** Who has seen the same log as this member. What this member says itself proves nothing to it, under whichever salt it said so. */
export class WitnessLedger {
  readonly #ports: WitnessLedgerPorts
  /** Every salt under which this member has ever appended. */
  readonly #own = new Set<string>()
  #verified: Verified | undefined
  #newestForeign = 0
  /** Others have written since then what nobody else has witnessed. */
  #waitingSinceMs: number | undefined
  #isUnwitnessed = false
  #timer: unknown

  constructor(ports: WitnessLedgerPorts) {
    this.#ports = ports
  }

  get verified(): Verified | undefined {
    return this.#verified
  }

  get unwitnessed(): Unwitnessed | undefined {
    if (!this.#isUnwitnessed || this.#waitingSinceMs === undefined) return undefined
    return { sequence: this.#newestForeign, since: this.#waitingSinceMs }
  }

  noteOwn(salt: Uint8Array): void {
    this.#own.add(hex(salt))
  }

  isOwn(salt: Uint8Array): boolean {
    return this.#own.has(hex(salt))
  }

  /** Somebody else is writing. What they wrote before this session was complete is no news. */
  othersWrote(sequence: number): void {
    this.#newestForeign = sequence
    if (this.#waitingSinceMs === undefined) this.#waitFrom(this.#ports.clock.now())
  }

  /** Somebody else has seen the same. */
  agreed(witness: { readonly sequence: number; readonly unixMs: number }): void {
    const { sequence, unixMs } = witness
    if (this.#verified !== undefined && sequence <= this.#verified.sequence) return
    this.#verified = { sequence, at: unixMs }
    if (this.#waitingSinceMs !== undefined) {
      this.#stopWaiting()
      // What came after that has its own time to wait.
      if (this.#newestForeign > sequence) this.#waitFrom(this.#ports.clock.now())
    }
    this.#ports.onVerified(this.#verified)
  }

  /** The log is read anew: what others have seen has to be read there again. */
  clear(): void {
    this.#verified = undefined
    this.#stopWaiting()
  }

  /** The session is over: who writes meanwhile, nobody here knows. */
  stop(): void {
    this.#stopWaiting()
  }

  #waitFrom(nowMs: number): void {
    const { clock, onUnwitnessed } = this.#ports
    this.#waitingSinceMs = nowMs
    this.#timer = clock.setTimeout(() => {
      this.#isUnwitnessed = true
      onUnwitnessed(this.unwitnessed)
    }, PATIENCE_MS)
  }

  #stopWaiting(): void {
    this.#ports.clock.clearTimeout(this.#timer)
    this.#waitingSinceMs = undefined
    if (!this.#isUnwitnessed) return
    this.#isUnwitnessed = false
    this.#ports.onUnwitnessed(undefined)
  }
}
