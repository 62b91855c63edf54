import type { Clock } from '@y-sealed/key-client'
import * as Y from 'yjs'
import { errorName } from '../error-name.ts'
import { findCollisions, type Robbed } from '../guard/collisions.ts'
import { type Admitted, Guard, knownOf } from '../guard/guard.ts'
import { PacedUpdates } from '../guard/paced-updates.ts'
import { reissue } from '../guard/reissue.ts'
import type { IdRun } from '../guard/scan-update.ts'
import { equalBytes } from '../hex.ts'
import { encodeDeletes } from '../log-state/delete-set.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'
import type { LoggedUpdate } from './sealer-order.ts'

/** How long updates that rest on something missing are collected, once there are too many to try each (protocol §3 "Guard"). */
const COLLECT_MS = 250

/** Appends are one at a time; some of a few sessions may still come. */
const MAX_SUPERSEDED = 8
/** Yjs origin of what this client takes back. */
const TAKEN_BACK = { takenBack: true }

/** An update whose ids this document has given to something else. */
interface InTheWay {
  readonly robbed: Robbed
  readonly admitted: Admitted
  readonly logged: LoggedUpdate
}

export interface ApplierPorts {
  readonly doc: Y.Doc
  /** Origin of the Yjs transactions, by which the provider knows its own from the user's. */
  readonly origin: object
  readonly logState: LogState
  readonly problems: Problems
  readonly clock: Clock
  /** An update has entered the log state, in the log's order; `sequence`: where it stands, or the checkpoint that it came with. */
  onLogged(update: Uint8Array, sequence: number): void
  /** A member's entry has brought content of this client id, not as a repair. */
  onWritten(sealer: string, client: number): void
  /** Content that waited in the document, from elsewhere, was integrated by an entry: it may be missing in the log. */
  onForeignContent(): void
  /** Another uses the client id of this document, which therefore has a fresh one. */
  onFreshId(before: number): void
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
  /** What was on its way when its ids turned out to be another's: its words go out anew, and what still gets into the log of it is taken back. */
  readonly #superseded: Uint8Array[] = []
  #stale: IdRun[] = []
  #isIdUsed = false

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

  /** In one transaction, unless content of this document has to make room. False: one at least was not usable. */
  apply(updates: readonly LoggedUpdate[]): boolean {
    let isUsable = true
    for (let i = 0; i < updates.length; ) {
      let inTheWay: InTheWay | undefined
      this.#transact(() => {
        for (; i < updates.length && inTheWay === undefined; i++) {
          const outcome = this.#applyOne(updates[i] as LoggedUpdate)
          if (outcome === false) isUsable = false
          else if (outcome !== true) inTheWay = outcome
        }
      })
      if (inTheWay !== undefined) this.#makeRoom(inTheWay)
    }
    this.#takeBack()
    this.#flushLater()
    return isUsable
  }

  /** An update of this client's own stands in the log: the document has it. */
  noteOwn(logged: LoggedUpdate): void {
    if (this.#isSuperseded(logged.update)) {
      this.apply([logged])
      return
    }
    const admitted = this.#guard.admit(logged.update, logged)
    if (admitted === undefined) return
    this.#entered(admitted, logged)
  }

  /** What this update says goes out under other ids: if it gets into the log all the same, that is taken back. */
  supersede(update: Uint8Array): void {
    this.#superseded.push(update)
    if (this.#superseded.length > MAX_SUPERSEDED) this.#superseded.shift()
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

  /** False: not usable. Something else: that has to make room first. */
  #applyOne(logged: LoggedUpdate): boolean | InTheWay {
    const { doc, logState } = this.#ports
    const admitted = this.#guard.admit(logged.update, logged)
    if (admitted === undefined) return false
    const robbed = findCollisions(doc, logState, admitted)
    return robbed === undefined ? this.#enter(admitted, logged) : { robbed, admitted, logged }
  }

  #enter(admitted: Admitted, logged: LoggedUpdate): boolean {
    const { doc, logState, problems, onWritten } = this.#ports
    const state = Y.getState(doc.store, doc.clientID)
    const isOurs = ({ client, clock, length }: IdRun): boolean => client === doc.clientID && clock + length > state
    this.#isIdUsed ||= admitted.structs.some(isOurs)
    try {
      this.#paced.apply(admitted.update)
    } catch (error) {
      const message = `a sealed update is no usable Yjs update (${errorName(error)})`
      problems.raise('member-fault', message, 'update', knownOf(logged))
      return false
    }
    if (this.#isSuperseded(logged.update)) {
      this.#stale.push(
        ...admitted.structs.flatMap(({ client, clock, length }) =>
          logState
            .missingStructs(client, clock, length)
            .map(([from, count]) => ({ client, clock: from, length: count })),
        ),
      )
    } else if (!logged.isRepair) for (const { client } of admitted.structs) onWritten(logged.sealer, client)
    this.#entered(admitted, logged)
    return true
  }

  /** It is in the log state from here on; and so is what was deleted of it before it came. */
  #entered(admitted: Admitted, logged: LoggedUpdate): void {
    const { logState, onLogged } = this.#ports
    logState.addScanned(admitted)
    onLogged(admitted.update, logged.sequence)
    const deletes = this.#guard.entered(admitted, logged)
    if (deletes === undefined) return
    this.#transact(() => this.#paced.apply(deletes.update))
    logState.addScanned(deletes)
    onLogged(deletes.update, logged.sequence)
  }

  /** The first in the log has the ids: what this document holds under them, and has not sent, gets others. */
  #makeRoom({ robbed, admitted, logged }: InTheWay): void {
    const { doc, logState, problems } = this.#ports
    const { clientID } = doc
    let hasRoom = false
    rethrowLater(() => {
      hasRoom = reissue(doc, logState, robbed)
    })
    const what = hasRoom ? 'goes out under a new client id' : 'cannot be sent as it is'
    const by = knownOf(logged)
    const message = `another update uses ids of this document: what was written here ${what} (sealer ${by.sealer})`
    problems.raise('member-fault', message, 'update', by)
    if (doc.clientID !== clientID) this.#ports.onFreshId(clientID)
    this.#transact(() => this.#enter(admitted, logged))
  }

  #isSuperseded(update: Uint8Array): boolean {
    return this.#superseded.some((each) => equalBytes(each, update))
  }

  /** As this user's edit: it was sent, and said again under other ids. */
  #takeBack(): void {
    if (this.#stale.length === 0) return
    const deletes = encodeDeletes(this.#stale)
    this.#stale = []
    rethrowLater(() => Y.applyUpdate(this.#ports.doc, deletes, TAKEN_BACK))
  }

  #transact(act: () => void): void {
    const { doc, origin, logState, onForeignContent } = this.#ports
    if (this.#isApplying) {
      act()
      return
    }
    const pending = pendingOf(doc)
    const { clientID } = doc
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
    // Yjs takes a fresh client id where another uses this one, and it has been able to apply that.
    if (this.#isIdUsed && doc.clientID === clientID) doc.clientID = new Y.Doc().clientID
    this.#isIdUsed = false
    if (doc.clientID !== clientID) this.#ports.onFreshId(clientID)
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
