import { type Entries, hashPrefix, leafHash, nextHash, type Place, startHash } from '@y-sealed/protocol'
import { recordHash } from 'y-sealed/observe'
import { parseRecord } from './record.ts'

/** More are not told one by one: where one thing is wrong much behind it is, too. */
const MAX_FAULTS = 20

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * The running hash of a log, computed anew from its entries, and compared with all that names it: epoch records, checkpoints, and what the relay says. It
 * needs no key: whoever holds the bytes can tell whether they are one history. Whether it is the members' history, only members can tell.
 */
export class LogChain {
  /** What does not fit, and where. */
  readonly faults: string[] = []
  /** Entries whose place in the history was computed; those before the first place that is named are not. */
  verified = 0
  readonly #starts = new Map<number, { readonly hash: Uint8Array; readonly before: Uint8Array | undefined }>()
  readonly #places = new Map<number, Uint8Array>()
  #hash: Uint8Array | undefined

  /** @param records all of the document, oldest first */
  constructor(records: readonly Uint8Array[]) {
    let previous: Uint8Array | undefined
    for (const record of records) {
      const { index, prevSequence, prevHash, prevRecord } = parseRecord(record)
      if (previous !== undefined && !same(prevRecord, previous))
        this.#fault(`epoch ${index} does not follow the one before`)
      previous = recordHash(record)
      // Of several with one beginning all but the last are empty.
      this.#starts.set(prevSequence, { hash: startHash(previous), before: index === 0 ? undefined : prevHash })
    }
  }

  /** Where a checkpoint stands. */
  place({ sequence, hash }: Place): void {
    // One that an epoch began with names that epoch's start.
    if (!this.#starts.has(sequence)) this.#places.set(sequence, hash)
  }

  /** The next entries. @returns H before the first of them; undefined: it cannot be known. */
  take({ first, hashBefore, entries }: Entries): Uint8Array | undefined {
    this.#enter(first - 1)
    const before = this.#hash
    if (before !== undefined && !same(hashPrefix(before), hashBefore))
      this.#fault(`the hash before ${first} is another`)
    entries.forEach(({ proof, envelope }, at) => {
      if (at > 0) this.#enter(first + at - 1)
      if (this.#hash === undefined) return
      this.#hash = nextHash(this.#hash, leafHash(proof, envelope))
      this.verified++
    })
    return before
  }

  /** The log ends. @param hash the first 8 bytes of H, as the relay said it */
  end(sequence: number, hash: Uint8Array): void {
    this.#enter(sequence)
    if (this.#hash !== undefined && !same(hashPrefix(this.#hash), hash)) this.#fault(`the hash at the end is another`)
  }

  /** The reader stands behind this sequence. */
  #enter(sequence: number): void {
    const place = this.#places.get(sequence)
    if (place !== undefined) {
      if (this.#hash !== undefined && !same(place, this.#hash))
        this.#fault(`a checkpoint names another hash at ${sequence}`)
      this.#hash = place
    }
    const start = this.#starts.get(sequence)
    if (start === undefined) return
    if (this.#hash !== undefined && start.before !== undefined && !same(start.before, this.#hash)) {
      this.#fault(`an epoch record names another hash at ${sequence}`)
    }
    this.#hash = start.hash
  }

  #fault(what: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(what)
  }
}
