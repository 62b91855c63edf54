import { HASH_BYTES } from '@y-sealed/protocol'
import type { StoredRun } from './log-store.ts'

// A few keystrokes; doubled as they come.
const FIRST_BYTES = 512

/** Consecutive runs of one epoch as bytes, not as objects: some thousand of them wait in memory, and each is looked at once. */
export class TailRuns {
  /** H before each run, then its body. */
  #content = new Uint8Array(FIRST_BYTES)
  #contentBytes = 0
  /** Entries in each. */
  readonly #counts: number[] = []
  /** Where each one's body ends. */
  readonly #ends: number[] = []
  readonly #first: number
  readonly #epochIndex: number

  /** They begin behind the entry `sequence`. */
  constructor({ sequence, head }: { readonly sequence: number; readonly head: { readonly index: number } }) {
    this.#first = sequence + 1
    this.#epochIndex = head.index
  }

  /** Of bodies and hashes. */
  get bytes(): number {
    return this.#contentBytes
  }

  add({ count, hashBefore, body }: Pick<StoredRun, 'count' | 'hashBefore' | 'body'>): void {
    const start = this.#contentBytes
    const end = start + HASH_BYTES + body.length
    this.#reserve(end)
    this.#content.set(hashBefore, start)
    this.#content.set(body, start + HASH_BYTES)
    this.#contentBytes = end
    this.#counts.push(count)
    this.#ends.push(end)
  }

  /** Views, good until something is added. */
  *[Symbol.iterator](): Generator<StoredRun> {
    let [first, start] = [this.#first, 0]
    for (const [i, count] of this.#counts.entries()) {
      const end = this.#ends[i] ?? start
      const hashBefore = this.#content.subarray(start, start + HASH_BYTES)
      const body = this.#content.subarray(start + HASH_BYTES, end)
      yield { first, count, epochIndex: this.#epochIndex, hashBefore, body }
      first += count
      start = end
    }
  }

  #reserve(needed: number): void {
    if (needed <= this.#content.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#content.length))
    larger.set(this.#content)
    this.#content = larger
  }
}
