import type { Clock, KeyRing } from '@y-sealed/key-client'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import { base64url, type Epoch, type KeyState } from './epoch.ts'
import { factsOf } from './key-desk.ts'

/** How often a client that writes looks whether its key is still the one to write with, unless the app says otherwise (protocol §5). */
export const DEFAULT_RECHECK_MS = 600_000
/** A relay may nudge, not command: more often than this is not listened to (protocol §5). */
export const NUDGE_MS = 60_000

/** An epoch that was opened a moment ago is on its way: only after this does the relay hide it. */
const HIDDEN_MS = 5_000

export interface KeyWatchPorts {
  readonly ring: KeyRing
  readonly clock: Clock
  readonly problems: Problems
  /** How often it is asked while this client writes. */
  readonly keyRecheckMs: number
  mayWrite(): boolean
  /** The endpoint holds the key inactive: read with it, do not write, rotate. */
  onInactive(): void
  onActive(): void
  /** The endpoint knows this record, and no other, as the epoch's. */
  onConfirmed(): void
  /** The endpoint tells of another epoch than the relay: `fork`, or `rollback` where it is a newer one. */
  onContradicted(error: SealedError): void
}

/** What the endpoint says about the present epoch's key while it is in use. Nobody who holds the key waits for an answer. */
export class KeyWatch {
  readonly #ports: KeyWatchPorts
  #epoch: Epoch | undefined
  #lastAskedMs = Number.NEGATIVE_INFINITY
  #lastNudgeMs = Number.NEGATIVE_INFINITY
  #life = 0
  #timer: unknown
  #isConfirmed = false

  constructor(ports: KeyWatchPorts) {
    this.#ports = ports
  }

  /** The endpoint knows the present epoch's record, and no other. */
  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** An epoch was entered, and this is what the endpoint said with its key. */
  entered(epoch: Epoch, state: KeyState): void {
    this.stop()
    this.#epoch = epoch
    this.#isConfirmed = false
    this.#lastAskedMs = this.#ports.clock.now()
    this.#take(epoch, state)
  }

  /** A session has begun anew with keys that were here before. */
  look(): void {
    const epoch = this.#epoch
    if (epoch === undefined) return
    this.#lastAskedMs = this.#ports.clock.now()
    this.#ask(epoch, false)
  }

  /** An append was acked. */
  wrote(): void {
    if (this.#ports.clock.now() - this.#lastAskedMs >= this.#ports.keyRecheckMs) this.look()
  }

  nudged(): void {
    const nowMs = this.#ports.clock.now()
    if (nowMs - this.#lastNudgeMs < NUDGE_MS) return
    this.#lastNudgeMs = nowMs
    this.look()
  }

  stop(): void {
    this.#life++
    this.#ports.clock.clearTimeout(this.#timer)
  }

  #ask(epoch: Epoch, reports: boolean): void {
    const { ring, problems } = this.#ports
    const life = this.#life
    ring.ask(epoch.keyHint, reports ? { record: base64url(epoch.hash) } : {}).then(
      ({ active, record }) => {
        if (life !== this.#life) return
        // To a report it answers with what it keeps; one that keeps nothing all the same is not told again.
        const isKept = typeof record === 'string' || (record === null && !reports)
        this.#take(epoch, { active, ...(isKept ? { record } : {}) })
      },
      (error: unknown) => {
        if (life !== this.#life) return
        const { code, message } = factsOf(error)
        // An endpoint that is away for a moment takes nothing away from who holds the key.
        if (code !== 'key-unavailable') problems.raise(code, message, 'keys')
      },
    )
  }

  #take(epoch: Epoch, { active, record }: KeyState): void {
    const { mayWrite, onInactive, onContradicted } = this.#ports
    if (typeof record === 'string' && record !== base64url(epoch.hash)) {
      onContradicted(
        new SealedError('fork', 'the endpoint knows another record of this epoch than the relay has shown', 'keys'),
      )
      return
    }
    if (typeof record === 'string') {
      this.#isConfirmed = true
      this.#ports.onConfirmed()
    }
    // The endpoint keeps the first record that a writer reports: it has none yet.
    if (record === null && mayWrite()) this.#ask(epoch, true)
    if (active) {
      this.#ports.onActive()
      return
    }
    // Who may only read waits for who may write.
    if (mayWrite()) onInactive()
    // An endpoint that keeps records knows whether there is a newer epoch, which the relay then hides.
    if (record !== undefined) this.#askForNewer(epoch)
  }

  #askForNewer({ hash }: Epoch): void {
    const { ring, clock, onContradicted } = this.#ports
    const life = this.#life
    ring.ask(null).then(
      ({ record }) => {
        // One that answers with the retired key itself contradicts itself, not the relay.
        if (life !== this.#life || typeof record !== 'string' || record === base64url(hash)) return
        this.#timer = clock.setTimeout(
          () =>
            onContradicted(
              new SealedError('rollback', 'the endpoint knows of an epoch that the relay does not show', 'keys'),
            ),
          HIDDEN_MS,
        )
      },
      // It has no newer key for this member: there is nothing to find out.
      () => {},
    )
  }
}
