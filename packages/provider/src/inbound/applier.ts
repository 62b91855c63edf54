import type { Clock } from '@y-sealed/key-client'
import type * as Y from 'yjs'
import { errorName } from '../error-name.ts'
import { type Admitted, Guard, knownOf } from '../guard/guard.ts'
import { PacedUpdates } from '../guard/paced-updates.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'
import type { LoggedUpdate } from './sealer-order.ts'

/** How long updates that rest on something missing are collected, once there are too many to try each (protocol §3 "Guard"). */
const COLLECT_MS = 250

export interface ApplierPorts {
  readonly doc: Y.Doc
  /** Origin of the Yjs transactions, by which the provider knows its own from the user's. */
  readonly origin: object
  readonly logState: LogState
  readonly problems: Problems
  readonly clock: Clock
  /** An update has entered the log state, in the log's order. */
  onLogged(update: Uint8Array): void
  /** A member's entry has brought content of this client id, not as a repair. */
  onWritten(sealer: string, client: number): void
  /** Content that waited in the document, from elsewhere, was integrated by an entry: it may be missing in the log. */
  onForeignContent(): void
  /** The document has caught up with what was collected. */
  onFlushed(): void
}

/** Updates of the log → the document, and what the log is known to hold. */
export class Applier {
  readonly #ports: ApplierPorts
  readonly #guard: Guard
  readonly #paced: PacedUpdates
  #isApplying = false
  #timer: unknown

  constructor(ports: ApplierPorts) {
    this.#ports = ports
    this.#guard = new Guard({
      ...ports,
      onFault: (message, known) => ports.problems.raise('member-fault', message, 'update', known),
    })
    this.#paced = new PacedUpdates(ports.doc, ports.origin)
  }

  /** Yjs is taking updates: what is changed in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#isApplying
  }

  /** The document is behind the log: some of it is collected, to be applied at once. */
  get isBehind(): boolean {
    return this.#paced.isBehind
  }

  /** Why the others would refuse an update of this client; undefined if they would not. */
  refusalOf(update: Uint8Array): string | undefined {
    return this.#guard.refusalOf(update)
  }

  /** All in one transaction. False: one at least was not usable. */
  apply(updates: readonly LoggedUpdate[]): boolean {
    if (updates.length === 0) return true
    let isUsable = true
    this.#transact(() => {
      for (const logged of updates) isUsable = this.#applyOne(logged) && isUsable
    })
    this.#flushLater()
    return isUsable
  }

  /** An update of this client's own stands in the log: the document has it. */
  noteOwn(logged: LoggedUpdate): void {
    const { logState, onLogged } = this.#ports
    const admitted = this.#guard.admit(logged.update, logged)
    if (admitted === undefined) return
    logState.addScanned(admitted)
    onLogged(admitted.update)
    this.#applyKept(admitted, logged)
  }

  /** Nothing waits any more. */
  flush(): void {
    this.#ports.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#paced.isBehind) this.#transact(() => this.#paced.flush())
  }

  /** Another log begins: `isNext`: the next epoch of this one. */
  clear(isNext: boolean): void {
    if (isNext) this.flush()
    else this.#paced.clear()
    this.#guard.clear()
  }

  stop(): void {
    this.#ports.clock.clearTimeout(this.#timer)
  }

  #applyOne(logged: LoggedUpdate): boolean {
    const { logState, onLogged, onWritten, problems } = this.#ports
    const admitted = this.#guard.admit(logged.update, logged)
    if (admitted === undefined) return false
    try {
      this.#paced.apply(admitted.update)
    } catch (error) {
      const message = `a sealed update is no usable Yjs update (${errorName(error)})`
      problems.raise('member-fault', message, 'update', knownOf(logged))
      return false
    }
    logState.addScanned(admitted)
    onLogged(admitted.update)
    if (!logged.isRepair) for (const { client } of admitted.structs) onWritten(logged.sealer, client)
    this.#applyKept(admitted, logged)
    return true
  }

  /** What was deleted before it came. */
  #applyKept(admitted: Admitted, logged: LoggedUpdate): void {
    const { logState, onLogged } = this.#ports
    const deletes = this.#guard.entered(admitted, logged)
    if (deletes === undefined) return
    this.#transact(() => this.#paced.apply(deletes.update))
    logState.addScanned(deletes)
    onLogged(deletes.update)
  }

  #transact(act: () => void): void {
    const { doc, origin, logState, onForeignContent } = this.#ports
    if (this.#isApplying) {
      act()
      return
    }
    const pending = pendingOf(doc)
    const noteImplied = (transaction: Y.Transaction): void => {
      // Deletes that waited in the document may come from elsewhere and be missing in the log: then only what is sure is credited.
      if (transaction.origin === origin) logState.addImplied(transaction, pending === undefined)
    }
    doc.on('afterTransaction', noteImplied)
    this.#isApplying = true
    // Yjs calls the app's observers after it has applied everything.
    rethrowLater(() => doc.transact(act, origin))
    this.#isApplying = false
    doc.off('afterTransaction', noteImplied)
    if (pending !== undefined && pending !== pendingOf(doc)) onForeignContent()
  }

  #flushLater(): void {
    if (!this.#paced.isBehind) return
    this.#timer ??= this.#ports.clock.setTimeout(() => {
      this.flush()
      this.#ports.onFlushed()
    }, COLLECT_MS)
  }
}

/** What Yjs keeps for later because something before it is missing, by its sizes; undefined if there is nothing. */
function pendingOf({ store }: Y.Doc): string | undefined {
  if (store.pendingStructs === null && store.pendingDs === null) return undefined
  return `${store.pendingStructs?.update.length ?? 0} ${store.pendingDs?.length ?? 0}`
}
