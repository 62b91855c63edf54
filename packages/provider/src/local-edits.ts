import type { Clock } from '@y-sealed/key-client'
import * as Y from 'yjs'
import type { CrossTab } from './cross-tab/cross-tab.ts'
import { REISSUED } from './guard/reissue.ts'
import type { LocalCopy } from './local/persistence.ts'
import type { Outbox } from './outbound/outbox.ts'
import type { Problems } from './problems.ts'
import { rethrowLater } from './rethrow-later.ts'
import type { Session } from './session/session.ts'

/** What stands in these documents others may have written, into a history that the next provider does not see: nothing to call this user's own. */
const hadProvider = new WeakSet<Y.Doc>()

export interface LocalEditsPorts {
  readonly doc: Y.Doc
  /** Yjs origin of what comes from the relay. */
  readonly origin: object
  readonly clock: Clock
  readonly problems: Problems
  readonly outbox: Outbox
  readonly crossTab: CrossTab
  readonly session: Session
  /** Told of what is put into the outbox. */
  readonly copy: Pick<LocalCopy, 'typed' | 'reissued'> | undefined
  /** Something more waits to be sent. */
  onOutbox(): void
}

/** What this user writes, here or in another tab → the outbox. */
export class LocalEdits {
  readonly #ports: LocalEditsPorts

  constructor(ports: LocalEditsPorts) {
    this.#ports = ports
    ports.doc.on('update', this.#onUpdate)
  }

  /**
   * What the document held before it had a provider. Whether the log has it shows when that is read; a device that keeps a copy has to have it until
   * then, as it would be gone with the page.
   */
  addContent(): void {
    const { doc, copy } = this.#ports
    const isOfProvider = hadProvider.has(doc)
    hadProvider.add(doc)
    if (copy !== undefined && !isOfProvider && doc.store.clients.size > 0) this.add(Y.encodeStateAsUpdate(doc))
  }

  destroy(): void {
    this.#ports.doc.off('update', this.#onUpdate)
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    const { crossTab } = this.#ports
    if (origin === this.#ports.origin) return
    if (origin === REISSUED) {
      this.#reissued(update)
      return
    }
    if (origin === crossTab) {
      crossTab.keep(update)
      return
    }
    // What this user writes may rest on what the other tab wrote: that goes first.
    this.adoptForeign()
    crossTab.tell(update)
    this.add(update)
  }

  /** Another tab's updates that the log has not brought are sent by this one. */
  adoptForeign(): void {
    for (const update of this.#ports.crossTab.takeUncovered()) this.add(update)
  }

  add(update: Uint8Array): void {
    const { outbox, clock, session, onOutbox } = this.#ports
    if (this.#isCleanUpForReader(update)) return
    session.writing.unsent.noteOwn(update)
    const nowMs = clock.now()
    outbox.add(update, nowMs)
    this.#ports.copy?.typed(update, nowMs, outbox.newest)
    if (session.phase === 'live') this.denyReader()
    session.changed()
    onOutbox()
  }

  /** What waits to be sent has other ids now: another update has those that it had. */
  #reissued(update: Uint8Array): void {
    const { outbox, clock, session, onOutbox } = this.#ports
    const { unsent } = session.writing
    session.reissued(outbox.inFlight)
    unsent.noteOwn(update)
    const sinceMs = outbox.oldestMs ?? clock.now()
    const lacking = unsent.lacking()
    outbox.reissue(lacking, sinceMs)
    this.#ports.copy?.reissued(lacking, sinceMs, outbox.newest)
    session.changed()
    onOutbox()
  }

  /** What this user wrote when the page was another, from this device's copy; it is there already. Returns its place in the outbox. */
  restore(update: Uint8Array, sinceMs: number): number {
    const { doc, origin, outbox, session, onOutbox } = this.#ports
    rethrowLater(() => Y.applyUpdate(doc, update, origin))
    session.writing.unsent.noteOwn(update)
    outbox.add(update, sinceMs)
    session.changed()
    onOutbox()
    return outbox.newest
  }

  /** Who may only read is told so, if there is anything that is not sent for that. */
  denyReader(): void {
    const { outbox, problems, session } = this.#ports
    if (session.writing.role === 'write' || outbox.isEmpty) return
    problems.raise('write-denied', 'this session may only read: the edit stays local', 'append')
  }

  /**
   * Yjs tidies formats after remote changes, in a transaction of nobody's: for somebody who may only read that is no edit that could be denied.
   * Everybody else's Yjs does the same.
   */
  #isCleanUpForReader(update: Uint8Array): boolean {
    const { isApplying, writing } = this.#ports.session
    if (writing.role !== 'read' || !isApplying) return false
    const decoded = Y.decodeUpdate(update)
    if (decoded.structs.length > 0) return false
    writing.unsent.creditDeletes(decoded)
    return true
  }
}
