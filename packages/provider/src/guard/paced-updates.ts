import * as Y from 'yjs'
import { scanUpdate } from './scan-update.ts'

/** So many updates in a row that only added to what waits in Yjs … */
const MAX_FRUITLESS = 256
/** … or so many bytes that were merged again for them: then what waits is collected outside. */
const MAX_MERGED_BYTES = 1024 * 1024
/** `Y.mergeUpdates` costs the product of its updates and their structs: few at a time, and then the results. */
const MERGED_AT_ONCE = 64

/**
 * Applies updates of the log to a document. What rests on something that is missing Yjs keeps, and merges anew with each that comes: whoever leaves out one
 * entry and shows the next few thousand would freeze the page. Beyond a measure such updates are collected, merged once, and applied in one go.
 */
export class PacedUpdates {
  readonly #doc: Y.Doc
  readonly #origin: unknown
  #fruitless = 0
  #mergedBytes = 0
  #collected: Uint8Array[] = []
  /** What it has cost so far that updates came before what they rest on. Times are no measure of it: a test counts these. */
  readonly cost = { fruitlessApplies: 0, mergedBytes: 0 }

  constructor(doc: Y.Doc, origin?: unknown) {
    this.#doc = doc
    this.#origin = origin
  }

  /** Updates wait to be applied: the document is behind the log. */
  get isBehind(): boolean {
    return this.#collected.length > 0
  }

  /** Throws what Yjs throws. */
  apply(update: Uint8Array): void {
    if (this.#isOverdone && !this.#rests(update)) this.#collected.push(update)
    else this.#apply(update)
  }

  /** What was collected. */
  flush(): void {
    const collected = this.#collected
    if (collected.length === 0) return
    this.#collected = []
    this.cost.mergedBytes += collected.reduce((sum, { length }) => sum + length, 0)
    this.#apply(mergeInGroups(collected))
  }

  clear(): void {
    this.#collected = []
    this.#fruitless = 0
    this.#mergedBytes = 0
  }

  get #isOverdone(): boolean {
    return this.#fruitless >= MAX_FRUITLESS || this.#mergedBytes > MAX_MERGED_BYTES
  }

  #apply(update: Uint8Array): void {
    const { store } = this.#doc
    const before = store.pendingStructs?.update
    Y.applyUpdate(this.#doc, update, this.#origin)
    const after = store.pendingStructs?.update
    if (after === undefined) {
      this.#fruitless = 0
      this.#mergedBytes = 0
    } else if (after !== before) {
      this.#fruitless++
      this.#mergedBytes += after.length
      this.cost.fruitlessApplies++
      this.cost.mergedBytes += after.length
    }
  }

  /** Everything that an update rests on is in the document or in itself. */
  #rests(update: Uint8Array): boolean {
    const { store } = this.#doc
    let isResting = true
    const own = new Map<number, number>()
    const look = (place: { client: number; clock: number } | undefined): void => {
      if (place === undefined) return
      const from = own.get(place.client)
      const isOwn = from !== undefined && place.clock >= from
      if (!isOwn && place.clock >= Y.getState(store, place.client)) isResting = false
    }
    const { structs } = scanUpdate(update)
    for (const { client, clock } of structs) {
      if (!own.has(client)) own.set(client, clock)
      if (clock > Y.getState(store, client) && clock === own.get(client)) isResting = false
    }
    if (isResting) scanUpdate(update, (_run, _isType, place, right) => [place, right].forEach(look))
    return isResting
  }
}

function mergeInGroups(updates: Uint8Array[]): Uint8Array {
  let merged = updates
  while (merged.length > 1) {
    const groups: Uint8Array[] = []
    for (let i = 0; i < merged.length; i += MERGED_AT_ONCE)
      groups.push(Y.mergeUpdates(merged.slice(i, i + MERGED_AT_ONCE)))
    merged = groups
  }
  return merged[0] as Uint8Array
}
