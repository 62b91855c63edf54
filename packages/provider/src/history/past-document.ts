import * as Y from 'yjs'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import { errorName } from '../error-name.ts'
import { CHECKPOINT_SEALER } from '../guard/early-deletes.ts'
import { Guard, knownOf } from '../guard/guard.ts'
import { PacedUpdates } from '../guard/paced-updates.ts'
import { type LoggedUpdate, SealerOrder } from '../inbound/sealer-order.ts'
import { applyUntidied } from '../log-state/apply-untidied.ts'
import { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import type { PastEntry } from './epoch-log.ts'

/** Builds a document from a checkpoint and the entries after it, by the rules of a live reader (protocol §3 "Reader"). */
export class PastDocument {
  readonly #doc = new Y.Doc()
  readonly #logState = new LogState()
  readonly #paced = new PacedUpdates(this.#doc)
  readonly #problems: Problems
  readonly #order: SealerOrder
  readonly #guard: Guard

  /** Throws SealedError `member-fault` for a checkpoint that is no Yjs update. */
  constructor({ update, sequence }: Pick<EpochStart, 'update' | 'sequence'>, problems: Problems, isMidway = false) {
    this.#problems = problems
    this.#order = new SealerOrder(() => {
      problems.raise('member-fault', 'the parts of a sealed update do not fit together', 'history')
    })
    this.#order.clear(isMidway)
    this.#guard = new Guard({
      doc: this.#doc,
      logState: this.#logState,
      onFault: (message, known) => problems.raise('member-fault', message, 'history', known),
    })
    if (update === undefined) return
    const source = { sealer: CHECKPOINT_SEALER, sequence, isRepair: false, isLate: false }
    if (!this.#apply([{ update, ...source }]))
      throw new SealedError('member-fault', 'the checkpoint is no usable Yjs update', 'checkpoint')
  }

  /** The next ones of the log, in its order. */
  take(entries: readonly PastEntry[]): void {
    const updates: LoggedUpdate[] = []
    for (const { opened, sequence } of entries) {
      if (opened === undefined) continue
      updates.push(...this.#order.accept(opened, sequence).updates)
      if (this.#order.isOverfull) updates.push(...this.#giveUp())
    }
    this.#apply(updates)
  }

  /** No more entries: what waits for one that is missing is applied without it. */
  finish(): Y.Doc {
    if (this.#order.isHolding) this.#apply(this.#giveUp())
    applyUntidied(this.#doc, () => this.#paced.flush())
    return this.#doc
  }

  #giveUp(): LoggedUpdate[] {
    this.#problems.raise('gap', 'an entry of a sealer is missing: what stood behind it was applied', 'history')
    return this.#order.giveUp()
  }

  #apply(updates: readonly LoggedUpdate[]): boolean {
    let isUsable = true
    applyUntidied(this.#doc, () => {
      for (const logged of updates) isUsable = this.#applyOne(logged) && isUsable
    })
    return isUsable
  }

  #applyOne(logged: LoggedUpdate): boolean {
    const admitted = this.#guard.admit(logged.update, logged)
    if (admitted === undefined) return false
    try {
      this.#paced.apply(admitted.update)
    } catch (error) {
      const message = `a sealed update is no usable Yjs update (${errorName(error)})`
      this.#problems.raise('member-fault', message, 'history', knownOf(logged))
      return false
    }
    this.#logState.addScanned(admitted)
    const deletes = this.#guard.entered(admitted, logged)
    if (deletes === undefined) return true
    this.#paced.apply(deletes.update)
    this.#logState.addScanned(deletes)
    return true
  }
}
