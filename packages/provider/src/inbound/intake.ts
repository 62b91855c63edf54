import type { Entry } from '@y-sealed/protocol'

/** An entry at its place in the log, waiting to be processed. */
export interface Placed {
  readonly sequence: number
  readonly entry: Entry
  /** The first 8 bytes of H before this entry, where the relay named them. */
  readonly hashBefore?: Uint8Array
  /** Our own entry, placed by its ack: it is not opened again. */
  readonly own?: OwnEntry
}

export interface OwnEntry {
  /** What the whole append added to the log; on its last entry only. */
  readonly update?: Uint8Array
  /** It heals the log. */
  readonly isRepair?: boolean
  /** The first 8 bytes of H after the append, from the ack; on its last entry only. */
  readonly hashAfter?: Uint8Array
  /** The last entry of an append: with it the append is settled. */
  readonly isAcked?: boolean
}

/** Entries that cannot be processed yet (no key, or a hole before them) are held up to this; more are read again later. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024
/** What an entry costs beyond its envelope's bytes: an object and a place in a map. Without it, a flood of tiny entries is no flood. */
const ENTRY_COST_BYTES = 512
/** What of one run does not open is asked for again with one question: garbage in bulk must not be one for each turn. */
const RUN_ENTRIES = 512
const RUN_BYTES = 1024 * 1024

/**
 * Brings entries into the order of the log. The cursor moves only by the next sequence (protocol §3); an ack only places our own entry,
 * so that an ack that overtakes others' entries (several relay nodes) skips nothing.
 */
export class Intake {
  cursor: number
  /** H at the cursor, 32 bytes. */
  hash: Uint8Array
  /** Entries were dropped for want of room: read again before anything else. */
  overflowed = false
  readonly #waiting = new Map<number, Placed>()
  #waitingBytes = 0

  constructor(cursor: number, startHash: Uint8Array) {
    this.cursor = cursor
    this.hash = startHash
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Entries wait, but not the next one. */
  get hasHole(): boolean {
    return this.#waiting.size > 0 && !this.#waiting.has(this.cursor + 1)
  }

  place(first: number, hashBefore: Uint8Array, entries: readonly Entry[]): void {
    entries.forEach((entry, i) => {
      const sequence = first + i
      this.#put(i === 0 ? { sequence, entry, hashBefore } : { sequence, entry })
    })
  }

  /** `last`: what is known with the last of them. */
  placeOwn(lastSequence: number, entries: readonly Entry[], last: OwnEntry): void {
    const first = lastSequence - entries.length + 1
    entries.forEach((entry, i) => {
      const own = i < entries.length - 1 ? {} : last
      // The ack is the last word on our own entry, whatever a re-read brought before it.
      this.#drop(first + i)
      this.#put({ sequence: first + i, entry, own })
    })
  }

  /** The entries that come next, none behind sequence `last`, without taking them. */
  nextRun(last: number): Placed[] {
    const run: Placed[] = []
    let bytes = 0
    for (let sequence = this.cursor + 1; sequence <= last; sequence++) {
      if (run.length >= RUN_ENTRIES || bytes >= RUN_BYTES) break
      const placed = this.#waiting.get(sequence)
      if (placed === undefined) break
      run.push(placed)
      bytes += placed.entry.envelope.length
    }
    return run
  }

  hasNext(last: number): boolean {
    return this.cursor < last && this.#waiting.has(this.cursor + 1)
  }

  /** Goes on with what waits, but not behind sequence `last`. False: nothing waits there. */
  passHole(last: number): boolean {
    let next = Number.POSITIVE_INFINITY
    for (const sequence of this.#waiting.keys()) next = Math.min(next, sequence)
    if (!Number.isFinite(next) || next > last || next === this.cursor + 1) return false
    this.cursor = next - 1
    return true
  }

  /** The next entry was processed. */
  advance(hash: Uint8Array): void {
    this.cursor++
    this.hash = hash
    this.#drop(this.cursor)
  }

  /** Begins behind `cursor`; what waits there stays. Nothing may have been processed yet. */
  startAt(cursor: number, startHash: Uint8Array): void {
    this.cursor = cursor
    this.hash = startHash
    for (const sequence of [...this.#waiting.keys()]) if (sequence <= cursor) this.#drop(sequence)
  }

  /** Forgets what waits: the relay sends it again from the cursor. */
  forgetWaiting(): void {
    this.#waiting.clear()
    this.#waitingBytes = 0
    this.overflowed = false
  }

  /** The same within one connection, where our own acked entries are not sent again as such. */
  forgetForeign(): void {
    for (const { sequence, own } of [...this.#waiting.values()]) if (own === undefined) this.#drop(sequence)
    this.overflowed = false
  }

  #put(placed: Placed): void {
    if (placed.sequence <= this.cursor || this.#waiting.has(placed.sequence)) return
    const size = costBytes(placed)
    if (
      this.#waitingBytes + size > MAX_WAITING_BYTES &&
      placed.own === undefined &&
      placed.sequence !== this.cursor + 1
    ) {
      this.overflowed = true
      return
    }
    this.#waiting.set(placed.sequence, placed)
    this.#waitingBytes += size
  }

  #drop(sequence: number): void {
    const placed = this.#waiting.get(sequence)
    if (placed !== undefined && this.#waiting.delete(sequence)) this.#waitingBytes -= costBytes(placed)
  }
}

const costBytes = ({ entry }: Placed): number => entry.envelope.length + entry.proof.length + ENTRY_COST_BYTES
