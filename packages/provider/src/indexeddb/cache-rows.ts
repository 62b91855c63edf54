import { equalBytes, hex } from '../hex.ts'
import type { Standing } from '../local/persistence.ts'
import type { Pins } from './rows.ts'

/** From here on the rows are replaced by one, once the user pauses: encoding is one task of the page. */
const ROWS_TO_JOIN = 256
/** Nobody waits for a pause any more; and where they cannot be joined, no more are added. */
const MAX_ROWS = 1_024
/** What is collected for a store that this tab may not write to. */
const MAX_COLLECTED = 1_024
/** The same behind what this tab has read there: it may be written at once when the turn comes, and need not be encoded anew. */
const MAX_BEHIND = 16 * 1_024

/** What one transaction does to the log that is kept here. */
export interface CacheChange {
  /** `first`: nothing is kept yet. `anew`: what is kept goes. `next`: is added to. */
  readonly how: 'first' | 'anew' | 'next'
  readonly generation: string
  /** Number of the row. */
  readonly at: number
  readonly updates: readonly Uint8Array[]
  readonly standing: Standing
}

/** The log as this tab has read it, as rows of the store. */
export class CacheRows {
  /** Undefined: what is in the store, if anything, is not what this tab has read. */
  #generation: string | undefined
  #rowCount = 0
  #pinned: Uint8Array | undefined
  /** Comes behind what the store holds. */
  #logged: Uint8Array[] = []
  #isCollecting = true
  /** Nothing is in the store that could be lost. */
  #isEmpty = true
  #life = 0

  /** The store holds something; this tab may or may not go on from it. */
  found(): void {
    this.#isEmpty = false
    this.begin()
  }

  /** The store holds what the reader begins with. */
  restored({ generation, rowCount, line }: Pins): void {
    this.#life++
    this.#generation = generation
    this.#rowCount = rowCount
    this.#pinned = line.at(-1)?.hash
    this.#logged = []
    this.#isCollecting = true
  }

  /** The log is read anew, or another tab has taken over: what is kept stays until the document and the log are one. */
  begin(): void {
    this.#life++
    this.#generation = undefined
    this.#logged = []
    this.#isCollecting = this.#isEmpty
  }

  log(update: Uint8Array): void {
    if (!this.#isCollecting) return
    this.#logged.push(update)
    if (this.#logged.length > (this.isBased ? MAX_BEHIND : MAX_COLLECTED)) this.found()
  }

  /** What the reader has read is in the store, or behind what is. */
  get isBased(): boolean {
    return this.#generation !== undefined
  }

  /** All that was read of it. */
  get isComplete(): boolean {
    return this.isBased && this.#logged.length === 0
  }

  /** Names what the store holds of this tab's reading. */
  get generation(): string | undefined {
    return this.#generation
  }

  /** What the store says it holds is what this tab has brought there. */
  isOf({ generation, rowCount }: Pins): boolean {
    return generation === this.#generation && rowCount === this.#rowCount
  }

  get life(): number {
    return this.#life
  }

  /** The epoch whose log is kept. */
  get pinned(): Uint8Array | undefined {
    return this.#pinned
  }

  /** Undefined: nothing is to be written, or it cannot be yet. `isQuiet`: nobody is typing. */
  plan(standing: Standing, isQuiet: boolean, wholeLog: () => Uint8Array | undefined): CacheChange | undefined {
    const isFull = this.#rowCount >= MAX_ROWS
    const isFirst = this.#generation === undefined && this.#isCollecting
    if (isFirst) return { how: 'first', generation: draw(), at: 0, updates: this.#logged, standing }
    if (this.#generation === undefined || isFull || (this.#rowCount >= ROWS_TO_JOIN && isQuiet)) {
      const whole = wholeLog()
      if (whole !== undefined) return { how: 'anew', generation: draw(), at: 0, updates: [whole], standing }
      if (isFull) this.begin()
    }
    const isMoved = this.#pinned === undefined || !equalBytes(this.#pinned, standing.epoch.hash)
    if (this.#generation === undefined || (this.#logged.length === 0 && !isMoved)) return undefined
    return { how: 'next', generation: this.#generation, at: this.#rowCount, updates: this.#logged, standing }
  }

  /** The change is on its way: what is logged from here on comes behind it. */
  taken(): void {
    this.#logged = []
    this.#isCollecting = true
  }

  done({ generation, at, standing }: CacheChange, life: number): void {
    // What the store holds is known, whatever the reader has done since.
    this.#pinned = standing.epoch.hash
    this.#isEmpty = false
    if (life !== this.#life) {
      this.#isCollecting = false
      return
    }
    this.#generation = generation
    this.#rowCount = at + 1
  }

  failed({ how, updates }: CacheChange, life: number): void {
    if (life !== this.#life) return
    // What came meanwhile stands behind it. What is to take the place of something is made from the document as it is then.
    if (how === 'anew') this.begin()
    else this.#logged = [...updates, ...this.#logged]
  }
}

const draw = (): string => hex(crypto.getRandomValues(new Uint8Array(16)))
