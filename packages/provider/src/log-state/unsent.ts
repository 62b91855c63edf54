import * as Y from 'yjs'
import { compactDifference, difference } from './difference.ts'
import { LogState } from './log-state.ts'
import { leansOn } from './rests-on.ts'

/** What the document holds and the log lacks (protocol §7, the law), but for what is nobody's to send here. */
export class Unsent {
  /** The relay lost entries, or an epoch was given up: what is sent next is marked as a repair. */
  isHealing = false
  readonly #doc: Y.Doc
  readonly #logState: LogState
  /** What this device's user wrote. */
  readonly #own = new LogState()
  /** What others wrote into a history that the document does not have: it stays in the Y.Doc, and is not sent. */
  readonly #disowned = new LogState()
  #isForked = false

  constructor(doc: Y.Doc, logState: LogState) {
    this.#doc = doc
    this.#logState = logState
  }

  noteOwn(update: Uint8Array): void {
    this.#own.addDecoded(Y.decodeUpdate(update))
  }

  /**
   * The history that was read here is not the document's: of what the log then lacks, only what this device wrote is carried over. Else a relay
   * could have a removed member's late entries brought in by somebody whom it has shown them (protocol §4).
   */
  fork(): void {
    this.#isForked = true
  }

  /** Content that a checkpoint of this document would give to all, and that must not be. */
  get hasDisowned(): boolean {
    return this.#isForked || !this.#disowned.isEmpty
  }

  /** To be asked once the log has been read. What heals the log is sent, and does not become this device's own by that. */
  settle(): Uint8Array | undefined {
    if (this.#isForked) {
      const missing = difference(this.#doc, this.#logState)
      if (missing !== undefined) this.#disowned.addLacking(Y.decodeUpdate(missing), this.#own)
      this.#isForked = false
    }
    const lacking = this.lacking()
    if (lacking !== undefined && !this.isHealing) this.noteOwn(lacking)
    return lacking
  }

  /** Whether an update leans on what is not sent: the others would wait for that, and for ever. */
  restsOnDisowned(update: Uint8Array): boolean {
    if (this.#disowned.isEmpty) return false
    return Y.decodeUpdate(update).structs.some((struct) => leansOn(struct, this.#disowned))
  }

  /** True if the log is known to hold all of an update, such as another tab's. */
  covers(update: Uint8Array): boolean {
    return this.#logState.covers(Y.decodeUpdate(update))
  }

  /** Notes deletes that need not be sent: Yjs itself made them of what came from the log. */
  creditDeletes({ ds }: ReturnType<typeof Y.decodeUpdate>): void {
    this.#logState.addDeletes(ds)
  }

  lacking(): Uint8Array | undefined {
    return difference(this.#doc, this.#known, this.#logState)
  }

  /** The same, as small as it can be made. */
  compactLacking(): Uint8Array | undefined {
    return compactDifference(this.#doc, this.#known, this.#logState)
  }

  get #known(): LogState {
    return this.#disowned.isEmpty ? this.#logState : this.#logState.with(this.#disowned)
  }
}
