import * as Y from 'yjs'
import { EarlyDeletes } from '../guard/early-deletes.ts'
import { PacedUpdates } from '../guard/paced-updates.ts'
import { scanUpdate } from '../guard/scan-update.ts'
import { applyUntidied } from './apply-untidied.ts'
import { runsWithout, withDeletes } from './delete-set.ts'
import { difference } from './difference.ts'
import { LogState } from './log-state.ts'

/** A document that holds exactly the log through one sequence. */
export interface WholeLog {
  /** What `Y.encodeStateAsUpdate` gives of it. */
  readonly update: Uint8Array
  readonly state: LogState
}

/**
 * The log through one sequence as a single Yjs update, and what followed. A checkpoint never adds content (protocol §7), and the live document holds what its
 * user typed a moment ago: so the document is copied, and the copy is given everything that enters the log until the log holds all that was copied.
 */
export class CoveredLog {
  readonly #doc: Y.Doc
  readonly #logState: LogState
  #copy: Y.Doc | undefined
  #paced: PacedUpdates | undefined
  /** What the log lacked of the document when it was copied. */
  #lacking: ReturnType<typeof Y.decodeUpdate> | undefined
  #isCovered = false
  #tail: Uint8Array[] = []

  constructor(doc: Y.Doc, logState: LogState) {
    this.#doc = doc
    this.#logState = logState
    const lacking = difference(doc, logState)
    if (lacking === undefined) return
    this.#lacking = Y.decodeUpdate(lacking)
    this.#copy = new Y.Doc()
    this.#paced = new PacedUpdates(this.#copy)
    this.#give(Y.encodeStateAsUpdate(doc))
  }

  /** The log as it stands now is had from elsewhere: only what follows is collected. */
  static from(doc: Y.Doc, logState: LogState): CoveredLog {
    const covered = new CoveredLog(doc, logState)
    covered.#copy?.destroy()
    covered.#copy = undefined
    covered.#isCovered = true
    return covered
  }

  /** An update has entered the log, and is in the log state by now. */
  note(update: Uint8Array): void {
    if (this.#isCovered) this.#tail.push(update)
    else this.#give(update)
  }

  /** The log as it stands now, once it holds all that was copied; undefined before. To be asked in the turn of a `note`, or of the beginning. */
  take(): WholeLog | undefined {
    if (this.#isCovered || (this.#lacking !== undefined && !this.#logState.covers(this.#lacking))) return undefined
    const copy = this.#copy
    if (copy !== undefined) applyUntidied(copy, () => this.#paced?.flush())
    if (this.#copy !== undefined && difference(this.#copy, this.#logState) !== undefined) return undefined
    this.#isCovered = true
    const whole = wholeLog(this.#copy ?? this.#doc)
    this.#copy?.destroy()
    this.#copy = undefined
    return whole
  }

  /** What entered the log since, in order; each update once. */
  takeTail(): Uint8Array[] {
    const tail = this.#tail
    this.#tail = []
    return tail
  }

  #give(update: Uint8Array): void {
    const copy = this.#copy
    if (copy !== undefined) applyUntidied(copy, () => this.#paced?.apply(update))
  }

  destroy(): void {
    this.#copy?.destroy()
    this.#copy = undefined
    this.#tail = []
  }
}

export function wholeLog(doc: Y.Doc): WholeLog {
  const update = Y.encodeStateAsUpdate(doc)
  if (doc.store.pendingDs === null) return { update, state: LogState.of(doc) }
  // Deletes of what is not there wait in the document, from elsewhere: they are in no log.
  const scanned = scanUpdate(update)
  const deletes = runsWithout(scanned.deletes, EarlyDeletes.of(scanned, new LogState()))
  return { update: withDeletes(update, scanned, deletes), state: LogState.of(doc).whole() }
}
