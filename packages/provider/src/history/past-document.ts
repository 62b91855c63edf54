import type { Opened } from '@y-sealed/envelope'
import * as Y from 'yjs'
import { errorName } from '../error-name.ts'
import { SealerOrder } from '../inbound/sealer-order.ts'
import { applyUntidied } from '../log-state/apply-untidied.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'

/** Builds a document from a checkpoint and the entries after it, by the rules of a live reader (protocol §3 "Reader"). */
export class PastDocument {
  readonly #doc = new Y.Doc()
  readonly #problems: Problems
  readonly #order: SealerOrder

  /** Throws SealedError `member-fault` for a checkpoint that is no Yjs update. `isMidway`: sealers go on from where they are met. */
  constructor(checkpoint: Uint8Array | undefined, problems: Problems, isMidway = false) {
    this.#problems = problems
    this.#order = new SealerOrder(() => {
      problems.raise('member-fault', 'the parts of a sealed update do not fit together', 'history')
    })
    this.#order.clear(isMidway)
    if (checkpoint === undefined) return
    try {
      applyUntidied(this.#doc, () => Y.applyUpdate(this.#doc, checkpoint))
    } catch (error) {
      throw new SealedError(
        'member-fault',
        `the checkpoint is no usable Yjs update (${errorName(error)})`,
        'checkpoint',
      )
    }
  }

  /** The next ones of the log, in its order. */
  take(entries: readonly Opened[]): void {
    const updates: Uint8Array[] = []
    for (const opened of entries) {
      updates.push(...this.#order.accept(opened).updates)
      if (this.#order.isOverfull) updates.push(...this.#giveUp())
    }
    this.#apply(updates)
  }

  /** No more entries: what waits for one that is missing is applied without it. */
  finish(): Y.Doc {
    if (this.#order.isHolding) this.#apply(this.#giveUp())
    return this.#doc
  }

  #giveUp(): Uint8Array[] {
    this.#problems.raise('gap', 'an entry of a sealer is missing: what stood behind it was applied', 'history')
    return this.#order.giveUp()
  }

  #apply(updates: readonly Uint8Array[]): void {
    applyUntidied(this.#doc, () => {
      for (const update of updates) {
        try {
          // The whole of it first: a live reader takes nothing of an update that ends in garbage.
          Y.decodeUpdate(update)
          Y.applyUpdate(this.#doc, update)
        } catch (error) {
          const message = `a sealed update is no usable Yjs update (${errorName(error)})`
          this.#problems.raise('member-fault', message, 'history')
        }
      }
    })
  }
}
