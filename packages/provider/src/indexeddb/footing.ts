import * as Y from 'yjs'
import { LogState } from '../log-state/log-state.ts'
import { restsOn } from '../log-state/rests-on.ts'

/** What had entered the log when it was taken to the disk. */
export interface Taken {
  /** How many updates, and where the last of them stands. */
  readonly logged: number
  readonly sequence: number
  /** What this user had written, through this place of the outbox. */
  readonly settled: number
}

const NOTHING: Taken = { logged: 0, sequence: 0, settled: -1 }

/**
 * What is typed rests on what was there, and without that Yjs shows nothing of it: so whoever says that it is stored has to know whether the disk has what it
 * rests on. Of the log the disk has what was taken there; of what this user wrote it has rows, until the log is there that holds them.
 */
export class Footing {
  /** There are rows of it, or there were until the log was kept. */
  readonly #written = new LogState()
  /** In this page's memory only. */
  #fresh = new LogState()
  /** The same, and on its way to the disk. */
  #taken = new LogState()
  #takenAt = NOTHING
  #logged = 0
  #sequence = 0
  #kept = NOTHING

  /** There is a row of it. */
  written(update: Uint8Array): void {
    this.#written.addDecoded(Y.decodeUpdate(update))
  }

  /** Returns how much of the log has to be on the disk before this is shown from there. `isWritten`: there is going to be a row of it. */
  typed(update: Uint8Array, isWritten: boolean): number {
    const decoded = Y.decodeUpdate(update)
    if (isWritten) this.#written.addDecoded(decoded)
    if (restsOn(decoded, this.#fresh)) return this.#logged
    return restsOn(decoded, this.#taken) ? this.#takenAt.logged : 0
  }

  logged(update: Uint8Array, sequence: number): void {
    this.#logged++
    this.#sequence = Math.max(this.#sequence, sequence)
    const decoded = Y.decodeUpdate(update)
    if (!this.#written.covers(decoded)) this.#fresh.addDecoded(decoded)
  }

  /** The log is read anew, and may be another. */
  began(): void {
    this.#sequence = 0
  }

  has(footing: number): boolean {
    return footing <= this.#kept.logged
  }

  /** Everything through this place of the outbox is in the log that is on the disk. */
  get settled(): number {
    return this.#kept.settled
  }

  /** All of the log is on its way, or somebody else's to be brought there. What was taken before and did not arrive is part of it. */
  take(settled: number): Taken {
    this.#taken.addAll(this.#fresh)
    this.#fresh = new LogState()
    this.#takenAt = { logged: this.#logged, sequence: this.#sequence, settled }
    return this.#takenAt
  }

  /** It is there. */
  kept(taken: Taken): void {
    this.#kept = taken
    if (taken === this.#takenAt) this.#taken = new LogState()
  }

  /** The log is not on this disk any more: whatever rests on it, nothing of it is shown. */
  lost(): void {
    this.#kept = { ...this.#kept, logged: -1 }
  }
}
