import type { Clock } from '../clock.ts'
import { hexOf, roomKey } from '../log/room-key.ts'
import type { Access } from './authorize.ts'

// A token that was made before lives no longer than that, or its issuer has no use for ends at all.
const REMEMBERED_MS = 24 * 60 * 60_000

// 100 B each. More people are not shut out in a day; if they are, the first ones' tokens have ended by then.
const MAX_REMEMBERED = 10_000

/**
 * Whose sessions an operator has closed. The tokens that they came with are still good; for these relays they are not. Forgotten
 * with the process, where no store that several share remembers it: let tokens end soon.
 */
export class ShutOut {
  readonly #clock: Clock
  /** When, by the hash of subject and room in hex; oldest first. */
  readonly #since = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `room` undefined: from all of them. What tells other relays. */
  add(subject: string, room: string | undefined): { who: Uint8Array; since: number } {
    const who = hashOf(subject, room)
    const since = this.#clock.now()
    this.addHash(who, since)
    return { who, since }
  }

  /** Whether that is news. */
  addHash(who: Uint8Array, since: number): boolean {
    const key = hexOf(who)
    if (since <= this.#at(key)) return false
    this.#since.delete(key)
    this.#since.set(key, since)
    for (const [oldest, at] of this.#since) {
      if (this.#since.size <= MAX_REMEMBERED && this.#clock.now() - at < REMEMBERED_MS) break
      this.#since.delete(oldest)
    }
    return true
  }

  /** Whether this access comes from a token of before; one that does not say when it was made does. */
  has({ subject, issuedAtUnixMs = 0 }: Access, room: string): boolean {
    if (this.#since.size === 0) return false
    const since = Math.max(this.#at(hexOf(hashOf(subject, undefined))), this.#at(hexOf(hashOf(subject, room))))
    return issuedAtUnixMs <= since
  }

  #at(key: string): number {
    const since = this.#since.get(key) ?? Number.NEGATIVE_INFINITY
    return this.#clock.now() - since < REMEMBERED_MS ? since : Number.NEGATIVE_INFINITY
  }
}

function hashOf(subject: string, room: string | undefined): Uint8Array {
  return roomKey(JSON.stringify([subject, room ?? null]))
}
