import * as Y from 'yjs'
import { errorName } from '../error-name.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'

export interface ApplierPorts {
  readonly doc: Y.Doc
  /** Origin of the Yjs transactions, by which the provider knows its own from the user's. */
  readonly origin: object
  readonly logState: LogState
  readonly problems: Problems
  /** An update has entered the log state, in the log's order. */
  onLogged(update: Uint8Array): void
  /** Content that waited in the document, from elsewhere, was integrated by an entry: it may be missing in the log. */
  onForeignContent(): void
}

/** Updates of the log → the document, and what the log is known to hold. */
export class Applier {
  readonly #ports: ApplierPorts
  #isApplying = false

  constructor(ports: ApplierPorts) {
    this.#ports = ports
  }

  /** Yjs is taking updates: what is changed in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#isApplying
  }

  /** All in one transaction. False: one at least was not usable. */
  apply(updates: readonly Uint8Array[]): boolean {
    if (updates.length === 0) return true
    const { doc, origin, logState, onForeignContent } = this.#ports
    let isUsable = true
    const pending = pendingOf(doc)
    const noteImplied = (transaction: Y.Transaction): void => {
      // Deletes that waited in the document may come from elsewhere and be missing in the log: then only what is sure is credited.
      if (transaction.origin === origin) logState.addImplied(transaction, pending === undefined)
    }
    doc.on('afterTransaction', noteImplied)
    this.#isApplying = true
    // Yjs calls the app's observers after it has applied everything.
    rethrowLater(() =>
      doc.transact(() => {
        for (const update of updates) isUsable = this.#applyOne(update) && isUsable
      }, origin),
    )
    this.#isApplying = false
    doc.off('afterTransaction', noteImplied)
    if (pending !== undefined && pending !== pendingOf(doc)) onForeignContent()
    return isUsable
  }

  #applyOne(update: Uint8Array): boolean {
    const { doc, origin, logState, problems, onLogged } = this.#ports
    try {
      const decoded = Y.decodeUpdate(update)
      Y.applyUpdate(doc, update, origin)
      logState.addDecoded(decoded)
      onLogged(update)
      return true
    } catch (error) {
      problems.raise('member-fault', `a sealed update is no usable Yjs update (${errorName(error)})`, 'update')
      return false
    }
  }
}

/** What Yjs keeps for later because something before it is missing, by its sizes; undefined if there is nothing. */
function pendingOf({ store }: Y.Doc): string | undefined {
  if (store.pendingStructs === null && store.pendingDs === null) return undefined
  return `${store.pendingStructs?.update.length ?? 0} ${store.pendingDs?.length ?? 0}`
}
