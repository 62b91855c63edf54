import { equalBytes } from '../hex.ts'

/** A place of the log, and H there. */
export interface LogPlace {
  readonly sequence: number
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/**
 * Whether H can be computed. It cannot behind what the relay has lost for good, if the relay's own hashes are still those of the log that there was: then
 * reading and writing go on, told of as `tampered` or `gap`, and the relay's word on H is all there is. Nothing is vouched for in that time, and the next
 * connection reads from the last sure place again.
 */
export class HashDoubt {
  /** Before an entry that does not open: H is that of what was shown, unless the relay's next word on it says that it has hashed something else. */
  #damaged: LogPlace | undefined
  /** Before what is missing. */
  #lost: LogPlace | undefined

  /** The last place of which H is sure, where it is not sure any more. */
  get lastSure(): LogPlace | undefined {
    return this.#lost
  }

  noteDamage(before: LogPlace): void {
    this.#damaged ??= before
  }

  noteHole(before: LogPlace): void {
    this.#lost ??= before
  }

  /** The relay's word on H, against what was computed of what it has shown. False: they contradict each other, and nothing is known that explains it. */
  accepts(told: Uint8Array, computed: Uint8Array): boolean {
    if (this.#lost !== undefined) return true
    if (equalBytes(told, computed)) {
      this.#damaged = undefined
      return true
    }
    this.#lost = this.#damaged
    return this.#lost !== undefined
  }

  clear(): void {
    this.#damaged = undefined
    this.#lost = undefined
  }
}
