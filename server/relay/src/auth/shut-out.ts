import type { Clock } from '../clock.ts'
import type { Access } from './authorize.ts'

// A token that was made before lives no longer than that, or its issuer has no use for ends at all.
const REMEMBERED_MS = 24 * 60 * 60_000

// 100 B each. More people are not shut out in a day; if they are, the first ones' tokens have ended by then.
const MAX_REMEMBERED = 10_000

/**
 * Whose sessions an operator has closed. The tokens that they came with are still good; for this process they are not.
 * Forgotten with the process: let tokens end soon.
 */
export class ShutOut {
  readonly #clock: Clock
  /** When, by subject and room; oldest first. */
  readonly #since = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `room` undefined: from all of them. */
  add(subject: string, room: string | undefined): void {
    const key = keyOf(subject, room)
    this.#since.delete(key)
    this.#since.set(key, this.#clock.now())
    for (const [oldest, since] of this.#since) {
      if (this.#since.size <= MAX_REMEMBERED && this.#clock.now() - since < REMEMBERED_MS) break
      this.#since.delete(oldest)
    }
  }

  /** Whether this access comes from a token of before; one that does not say when it was made does. */
  has({ subject, issuedAtUnixMs = 0 }: Access, room: string): boolean {
    const since = Math.max(this.#sinceOf(subject, undefined), this.#sinceOf(subject, room))
    return issuedAtUnixMs <= since
  }

  #sinceOf(subject: string, room: string | undefined): number {
    const since = this.#since.get(keyOf(subject, room)) ?? Number.NEGATIVE_INFINITY
    return this.#clock.now() - since < REMEMBERED_MS ? since : Number.NEGATIVE_INFINITY
  }
}

function keyOf(subject: string, room: string | undefined): string {
  return JSON.stringify([subject, room ?? null])
}
