import * as Y from 'yjs'
import { type IdRun, type ScannedUpdate, scanUpdate } from '../guard/scan-update.ts'
import { IdRanges } from './id-ranges.ts'

type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>
type DeleteSet = DecodedUpdate['ds']

/**
 * What the log is known to hold (protocol §7 "log state"): the ids of all structs and deletes applied from it.
 * It is kept beside the Y.Doc, which may hold more: the difference is what this client still has to send.
 */
export class LogState {
  #structs = new IdRanges()
  #deletes = new IdRanges()

  /** All that a document holds, and what waits in it for something that is missing. */
  static of(doc: Y.Doc): LogState {
    const state = new LogState()
    for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(doc))) state.#structs.add(client, 0, clock)
    state.addDeletes(Y.createDeleteSetFromStructStore(doc.store))
    const { pendingStructs, pendingDs } = doc.store
    // Yjs keeps both in its second encoding, whatever they came in.
    if (pendingStructs !== null) state.addDecoded(Y.decodeUpdateV2(pendingStructs.update))
    if (pendingDs !== null) state.addDecoded(Y.decodeUpdateV2(pendingDs))
    return state
  }

  /** Adds an update that is in the log. Throws UnusableUpdate if the bytes are no Yjs V1 update. */
  add(update: Uint8Array): void {
    this.addScanned(scanUpdate(update))
  }

  addScanned({ structs, deletes }: Pick<ScannedUpdate, 'structs' | 'deletes'>): void {
    for (const { client, clock, length } of structs) this.#structs.add(client, clock, length)
    for (const { client, clock, length } of deletes) this.#deletes.add(client, clock, length)
  }

  addDecoded({ structs, ds }: DecodedUpdate): void {
    for (const struct of structs) {
      // A Skip stands for what the update does not carry.
      if (!(struct instanceof Y.Skip)) this.#structs.add(struct.id.client, struct.id.clock, struct.length)
    }
    this.addDeletes(ds)
  }

  /**
   * Adds deletes that follow from the log without standing in it: integrating a map entry deletes the one it replaces, and a
   * child of a deleted parent is deleted on arrival. Every member derives them alike, so nobody has to send them. To be called with a
   * transaction that applied log entries, before Yjs collects its garbage.
   */
  addImplied(transaction: Y.Transaction, withDeleteSet: boolean): void {
    if (withDeleteSet) this.addDeletes(transaction.deleteSet)
    // What arrives for a parent that is garbage becomes garbage at once, and stands in no delete set.
    for (const [client, end] of transaction.afterState) {
      const start = transaction.beforeState.get(client) ?? 0
      const structs = transaction.doc.store.clients.get(client) ?? []
      for (let i = structs.length - 1; end > start && i >= 0; i--) {
        const struct = structs[i]
        if (struct === undefined || struct.id.clock + struct.length <= start) break
        if (struct instanceof Y.GC) this.#deletes.add(client, struct.id.clock, struct.length)
      }
    }
  }

  addDeletes(ds: DeleteSet): void {
    ds.clients.forEach((items, client) => {
      for (const item of items) this.#deletes.add(client, item.clock, item.len)
    })
  }

  coversRuns(structs: readonly IdRun[]): boolean {
    return structs.every(({ client, clock, length }) => this.#structs.has(client, clock, length))
  }

  covers({ structs, ds }: DecodedUpdate): boolean {
    for (const struct of structs) {
      if (!(struct instanceof Y.Skip) && !this.#structs.has(struct.id.client, struct.id.clock, struct.length))
        return false
    }
    for (const [client, items] of ds.clients) {
      for (const item of items) if (!this.#deletes.has(client, item.clock, item.len)) return false
    }
    return true
  }

  /** Whether the log holds all that a document does. What waits in the document for something that is missing is not looked at. */
  coversStore(store: Y.Doc['store']): boolean {
    for (const [client, structs] of store.clients) {
      if (this.end(client) < Y.getState(store, client)) return false
      if (!this.#deletes.holdsDeleted(client, structs)) return false
    }
    return true
  }

  /** Up to which clock the log holds all structs of a client. */
  end(client: number): number {
    return this.#structs.contiguous(client)
  }

  /** Whose structs the log holds. */
  clients(): IterableIterator<number> {
    return this.#structs.clients()
  }

  stateVector(): Map<number, number> {
    const vector = new Map<number, number>()
    for (const client of this.#structs.clients()) {
      const clock = this.#structs.contiguous(client)
      if (clock > 0) vector.set(client, clock)
    }
    return vector
  }

  /** The parts of a delete range that the log lacks, as [clock, length] pairs. */
  missingDeletes(client: number, clock: number, length: number): Array<readonly [number, number]> {
    return this.#deletes.missing(client, clock, length)
  }

  /** The parts of a range of ids for which the log has no structs, as [clock, length] pairs. */
  missingStructs(client: number, clock: number, length: number): Array<readonly [number, number]> {
    return this.#structs.missing(client, clock, length)
  }

  /** Adds those ids of an update that `known` lacks. */
  addLacking({ structs, ds }: DecodedUpdate, known: LogState): void {
    for (const struct of structs) {
      if (struct instanceof Y.Skip) continue
      const { client, clock } = struct.id
      for (const [start, length] of known.#structs.missing(client, clock, struct.length))
        this.#structs.add(client, start, length)
    }
    ds.clients.forEach((items, client) => {
      for (const item of items)
        for (const [start, length] of known.#deletes.missing(client, item.clock, item.len))
          this.#deletes.add(client, start, length)
    })
  }

  /** Both together. */
  with(other: LogState): LogState {
    const both = new LogState()
    for (const each of [this, other]) both.addAll(each)
    return both
  }

  addAll(other: LogState): void {
    this.#structs.addAll(other.#structs)
    this.#deletes.addAll(other.#deletes)
  }

  /** What is there to compare with: without deletes of what is not there itself, such as of words that nobody has sent yet. */
  whole(): LogState {
    const state = new LogState()
    state.#structs.addAll(this.#structs)
    state.#deletes = this.#deletes.and(this.#structs)
    return state
  }

  /** The ids of this state that `other` lacks. */
  minus(other: LogState): LogState {
    const rest = new LogState()
    rest.#structs.addAll(this.#structs.minus(other.#structs))
    rest.#deletes.addAll(this.#deletes.minus(other.#deletes))
    return rest
  }

  /** The log turned out not to hold these. */
  removeAll(other: LogState): void {
    this.#structs = this.#structs.minus(other.#structs)
    this.#deletes = this.#deletes.minus(other.#deletes)
  }

  /** Which ids exist, and which of them are deleted: clients ascending, ranges as [start, length] pairs. */
  get ranges() {
    return { existing: this.#structs.sorted(), deleted: this.#deletes.sorted() }
  }

  has({ client, clock }: Y.ID): boolean {
    return this.#structs.has(client, clock, 1)
  }

  get isEmpty(): boolean {
    return this.#structs.isEmpty && this.#deletes.isEmpty
  }

  clear(): void {
    this.#structs.clear()
    this.#deletes.clear()
  }
}
