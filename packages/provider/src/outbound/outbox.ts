import * as Y from 'yjs'

interface Item {
  readonly update: Uint8Array
  readonly sinceMs: number
  /** How many updates had been put here with it; what stands for several has the last one's. */
  readonly place: number
}

/** `Y.mergeUpdates` is quadratic in practice (26,000 updates: 16 s); beyond this many the caller takes a difference instead. */
const MAX_MERGED_UPDATES = 64

/**
 * Plain updates that are not known to be in the log. An item leaves only by a durable ack whose H compared equal, or when a difference against the
 * log shows that nothing of it is missing there: never because of a refusal.
 */
export class Outbox {
  #waiting: Item[] = []
  #inFlight: Item[] = []
  /** What they were sent as. */
  #taken: Uint8Array | undefined
  /** Place of the newest update that was ever put here. */
  #newest = 0
  /** All updates through this place are in the log; -1: nobody has compared yet. */
  #settled = -1

  /** What `settledThrough` has to reach until everything put here so far is durable. */
  get newest(): number {
    return this.#newest
  }

  get settledThrough(): number {
    return this.#settled
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#inFlight.length === 0
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  get isInFlight(): boolean {
    return this.#inFlight.length > 0
  }

  /** What was taken last, while it is in flight. */
  get inFlight(): Uint8Array | undefined {
    return this.isInFlight ? this.#taken : undefined
  }

  /** When the oldest unsynced edit was made, unix ms. */
  get oldestMs(): number | undefined {
    return (this.#inFlight[0] ?? this.#waiting[0])?.sinceMs
  }

  add(update: Uint8Array, nowMs: number): void {
    this.#newest++
    this.#waiting.push({ update, sinceMs: nowMs, place: this.#newest })
  }

  /** Moves all that waits in flight, as one update; `difference` is asked where merging would be slow. */
  take(difference: () => Uint8Array | undefined): Uint8Array | undefined {
    const items = this.#waiting
    this.#waiting = []
    this.#inFlight = items
    const [first] = items
    if (first === undefined) return undefined
    this.#taken = joined(items, difference)
    return this.#taken
  }

  /** What waited has other ids now, and so has what is in flight: with that nothing is settled but its own bytes. `difference` holds all of it. */
  reissue(difference: Uint8Array | undefined, nowMs: number): void {
    const sinceMs = this.oldestMs ?? nowMs
    this.#inFlight = this.#inFlight.map((item) => ({ ...item, place: this.#settled }))
    this.#waiting = difference === undefined ? [] : [{ update: difference, sinceMs, place: this.#newest }]
  }

  /** What waits, merged, without taking it. */
  peek(): Uint8Array | undefined {
    return this.#waiting.length === 0 ? undefined : Y.mergeUpdates(this.#waiting.map((item) => item.update))
  }

  /** What was in flight is durable. */
  settle(): void {
    this.#settled = this.#inFlight.at(-1)?.place ?? this.#settled
    this.#inFlight = []
  }

  /** What was in flight is not known to be stored: it waits again, before what came later. */
  restore(): void {
    this.#waiting = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
  }

  /** Replaces everything by what the log lacks, keeping the age of the oldest edit. */
  replace(difference: Uint8Array | undefined, nowMs: number): void {
    const sinceMs = this.oldestMs ?? nowMs
    this.#inFlight = []
    this.#waiting = difference === undefined ? [] : [{ update: difference, sinceMs, place: this.#newest }]
    if (difference === undefined) this.#settled = this.#newest
  }
}

function joined(items: readonly Item[], difference: () => Uint8Array | undefined): Uint8Array | undefined {
  if (items.length === 1) return items[0]?.update
  if (items.length > MAX_MERGED_UPDATES) return difference()
  return Y.mergeUpdates(items.map((item) => item.update))
}
