import { type Clock, systemClock } from '@y-sealed/key-client'
import { closeAction, closeReasons } from '@y-sealed/protocol'
import { ObservableV2 } from 'lib0/observable'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { SealedAwareness } from './awareness/sealed-awareness.ts'
import { listenTo } from './connection/listen-to.ts'
import type { RelayConnection } from './connection/relay-connection.ts'
import { type CloseFacts, isWorthReconnecting } from './connection/web-socket.ts'
import type { CrossTab } from './cross-tab/cross-tab.ts'
import { endingOf } from './endings.ts'
import { type EpochName, nameOf } from './epoch/epoch-name.ts'
import type { Freshness } from './epoch/freshness.ts'
import type { KeyDesk, KeyStanding } from './epoch/key-desk.ts'
import type { History } from './history/history.ts'
import type { EpochInfo } from './history/history-ports.ts'
import type { LocalCopy } from './local/persistence.ts'
import type { LocalEdits } from './local-edits.ts'
import { checkOptions, checkRoom, type SealedProviderOptions } from './options.ts'
import { Flushes } from './outbound/flushes.ts'
import type { Outbox } from './outbound/outbox.ts'
import type { PageLife } from './page-life.ts'
import type { Counters, Problems } from './problems.ts'
import type { ProviderEvents } from './provider-events.ts'
import { connectParts } from './provider-parts.ts'
import type { ProviderStatus } from './provider-status.ts'
import { rethrowLater } from './rethrow-later.ts'
import { SealedError } from './sealed-error.ts'
import type { RotationOptions } from './session/own-epochs.ts'
import type { Session } from './session/session.ts'
import type { Phase } from './session/session-ports.ts'
import type { StatusTeller } from './status-teller.ts'
import { type SyncStatus, syncStatus } from './sync-status.ts'
import type { Unwitnessed, Verified } from './witness/witness-ledger.ts'

/**
 * A Yjs provider whose relay cannot read: updates and awareness are sealed before they leave, with keys from the app's own key endpoint. Has what an
 * editor binding touches of y-websocket's WebsocketProvider, with the same meaning.
 *
 * Throws TypeError for options that do not exist, SealedError `unsupported` without a WebSocket or for `ws:` beyond loopback.
 */
export class SealedProvider extends ObservableV2<ProviderEvents> {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly roomname: string
  readonly documentId: string
  readonly serverUrl: string
  readonly connection: RelayConnection
  params: Record<string, string>
  shouldReconnect: (event: CloseFacts, provider: SealedProvider) => boolean
  shouldConnect = false
  /** Resolves when the document is complete for the first time. */
  readonly whenSynced: Promise<void>
  /** Resolves when what this device has kept of the document is in it, or when there is nothing that could be; with `persistence` only. */
  readonly whenLoaded: Promise<void>
  readonly #clock: Clock
  readonly #problems: Problems
  readonly #outbox: Outbox
  readonly #session: Session
  readonly #sealedAwareness: SealedAwareness
  readonly #keyDesk: KeyDesk
  readonly #crossTab: CrossTab
  readonly #localEdits: LocalEdits
  readonly #copy: LocalCopy | undefined
  readonly #pageLife: PageLife
  readonly #ownsConnection: boolean
  readonly #ownsAwareness: boolean
  readonly #isMissingKeys: boolean
  readonly #hasToken: boolean
  readonly #hasNextToken: boolean
  readonly #flushes = new Flushes()
  readonly #status: ProviderStatus
  readonly #statusTeller: StatusTeller
  readonly #unlisten: () => void
  #isDestroyed = false
  #toldFreshness: Freshness | undefined
  #toldKeyStanding: KeyStanding = 'none'
  /** Why there is no session, and none is tried, until connect() is called. */
  #endedBy: SealedError | undefined

  constructor(serverUrl: string, roomname: string, doc: Y.Doc, options: SealedProviderOptions) {
    super()
    checkOptions(options)
    checkRoom(roomname)
    if (!(doc instanceof Y.Doc))
      throw new TypeError('doc is not a Y.Doc of the yjs that y-sealed imports: is yjs installed twice?')
    const clock = options.unsafeClock ?? systemClock
    this.#clock = clock
    this.doc = doc
    this.roomname = roomname
    this.documentId = options.documentId ?? roomname
    this.params = options.params ?? {}
    this.shouldReconnect = options.shouldReconnect ?? isWorthReconnecting
    this.#ownsConnection = options.connection === undefined
    this.#ownsAwareness = options.awareness === undefined
    this.#isMissingKeys = typeof options.keys !== 'function'
    this.#hasToken = (options.token ?? '') !== ''
    this.#hasNextToken = typeof options.token === 'function'
    const parts = connectParts(serverUrl, options, {
      doc,
      room: roomname,
      documentId: this.documentId,
      origin: this,
      clock,
      params: () => this.params,
      shouldReconnect: (event) => this.shouldReconnect(event, this),
      syncStatus: () => this.syncStatus,
      say: (name, ...args) => this.#say(name, ...args),
      problem: (error) => this.#tell(error),
      keyStandingChanged: () => this.#keyStandingChanged(),
      freshnessChanged: () => this.#freshnessChanged(),
      phaseChanged: (phase) => this.#phaseChanged(phase),
      outboxChanged: () => this.#outboxChanged(),
      haltedBy: (error) => this.#haltedBy(error),
      ended: (code, reason, wasJoined) => this.#ended(code, reason, wasJoined),
    })
    this.connection = parts.connection
    this.serverUrl = this.connection.url
    this.awareness = parts.awareness
    this.#problems = parts.problems
    this.#outbox = parts.outbox
    this.#status = parts.status
    this.#statusTeller = parts.statusTeller
    this.#keyDesk = parts.keyDesk
    this.#sealedAwareness = parts.sealedAwareness
    this.#session = parts.session
    this.#crossTab = parts.crossTab
    this.#pageLife = parts.pageLife
    this.#copy = parts.copy
    this.#localEdits = parts.localEdits
    this.whenSynced = this.#status.whenSynced
    this.whenLoaded = this.#copy?.whenLoaded ?? Promise.resolve()
    this.#unlisten = this.#listen()
    this.#localEdits.addContent()
    if (options.connect ?? true) this.connect()
  }

  /** The document is complete: every entry of the log has been applied. */
  get synced(): boolean {
    return this.#status.synced
  }

  get wsconnected(): boolean {
    return this.#status.wsconnected
  }

  get wsconnecting(): boolean {
    return this.shouldConnect && !this.#status.wsconnected && (this.connection.isConnecting || this.connection.isOpen)
  }

  get counters(): Readonly<Counters> {
    return this.#problems.counters
  }

  get hasUnsyncedChanges(): boolean {
    return !this.#outbox.isEmpty
  }

  /** Write access at the relay, as far as it is known. */
  get canWrite(): boolean {
    return this.#session.writing.role === 'write'
  }

  /** The epoch in use; `fingerprint` is shown so that two people can compare it. Undefined until the keys are here. */
  get epoch(): EpochName | undefined {
    const { epoch } = this.#session
    return epoch && nameOf(epoch)
  }

  /** How far, and when (unix ms, by their clock), somebody else has said under seal that they have seen the same log; undefined: nobody has yet. */
  get verified(): Verified | undefined {
    return this.#session.witnesses.verified
  }

  /** For a minute others have written what nobody else has witnessed: a state, not a problem. Undefined while nobody else writes. */
  get unwitnessed(): Unwitnessed | undefined {
    return this.#session.witnesses.unwitnessed
  }

  /** What says that the epoch in use is the newest one; undefined until the keys are here. */
  get freshness(): Freshness | undefined {
    return this.#session.freshness
  }

  /** Whether the keys are here, and if not, whether somebody has to act. */
  get keyStanding(): KeyStanding {
    if (this.#isMissingKeys) return 'missing'
    const { isAsking, standing, hasKeys } = this.#keyDesk
    if (isAsking) {
      if (standing === undefined) return 'asking'
      return standing.code === 'key-unavailable' ? 'unavailable' : 'locked'
    }
    if (!hasKeys) return 'none'
    return this.#session.isRetired ? 'retired' : 'here'
  }

  /** When the oldest edit was made that is not known to be at the relay: unix ms, across reloads where there is `persistence`. Undefined: all are. */
  get unsyncedSince(): number | undefined {
    return this.#outbox.oldestMs
  }

  /** Everything that was written here and is not at the relay yet is durable on this device; event `stored`. False without `persistence`. */
  get storedLocally(): boolean {
    return this.#copy?.isStored ?? false
  }

  get syncStatus(): SyncStatus {
    return syncStatus({
      connected: this.#status.wsconnected,
      receivedInitialSync: this.#status.hasSynced,
      oldestUnsyncedMs: this.#outbox.oldestMs,
      lastReceivedMs: this.connection.lastReceivedMs,
      nowMs: this.#clock.now(),
    })
  }

  connect(): void {
    if (this.#isDestroyed) return
    this.shouldConnect = true
    if (this.#isMissingKeys) {
      // Later, so that whoever constructs the provider can listen first.
      queueMicrotask(() =>
        this.#problems.raise('key-missing', 'no option keys: nothing is sent, local edits are kept', 'keys'),
      )
      return
    }
    if (this.#session.phase !== 'held') this.#endedBy = undefined
    this.#keyDesk.hurry()
    this.connection.want(this)
    if (this.#copy === undefined) this.#session.want()
    else this.#begin(this.#copy)
  }

  disconnect(): void {
    this.#leave(false)
  }

  #leave(isForGood: boolean): void {
    this.shouldConnect = false
    this.#crossTab.close()
    this.#session.sayGoodbye(isForGood)
    // In y-websocket's order: first the connection closes, then the status is told.
    this.connection.unwant(this)
    this.#session.end()
  }

  /**
   * Deletes everything of this document from the device, edits that nobody has acked included, and keeps nothing more. The text stays in the page. For signing
   * out: nothing else ever deletes such edits.
   */
  async wipeLocal(): Promise<void> {
    await this.#copy?.wipe()
  }

  /**
   * Resolves when everything typed so far is durable at the relay; waits while offline. Rejects with the SealedError that stands in the way
   * (`write-denied`, `limit`, `session-revoked` …) where waiting would not help.
   */
  flush(): Promise<void> {
    // Before the first sync nobody knows what the log lacks of this document.
    if (this.#outbox.isEmpty && this.#status.hasSynced) return Promise.resolve()
    const blocking = this.#blockedBy
    if (blocking !== undefined) return Promise.reject(blocking)
    const flushed = this.#flushes.wait(this.#outbox.newest)
    this.#session.writing.flushNow()
    return flushed
  }

  /**
   * Opens a new epoch under a new key, while everybody goes on typing. Resolves with the next epoch, whoever opens it; waits while the document is
   * not connected. To shut a member out: remove it at the key endpoint first, then rotate there.
   *
   * `replace`: the newest epoch's key is lost (`key-unknown`, `key-mismatch`): it is given up, and the last epoch whose key can be had is followed.
   * `force`: after `rollback`, goes on with what the relay shows, and brings what this device holds (protocol §6).
   *
   * Rejects with SealedError `write-denied`, `rotation-unsupported`, `rollback`, `fork`, a `key-…` code, `limit`, `relay-fault`; nothing has changed then.
   */
  async rotateKey(options: RotationOptions = {}): Promise<EpochName> {
    const blocking = this.#blockedBy
    const isStanding = options.force === true && this.#session.phase === 'held'
    if (blocking !== undefined && blocking.code !== 'limit' && !isStanding) throw blocking
    if (isStanding) this.#endedBy = undefined
    return nameOf(await this.#session.rotate(options))
  }

  /**
   * Makes a checkpoint, so that whoever opens the document next reads little besides; by itself the provider does so when the
   * log has grown enough. Resolves once the relay has stored one that covers what was typed so far; waits while the document is not connected. Rejects
   * with SealedError `write-denied`, `limit`, `relay-fault` …
   */
  async compact(): Promise<void> {
    // What was typed before is meant, too.
    await this.flush()
    const blocking = this.#blockedBy
    if (blocking !== undefined) throw blocking
    await this.#session.compact()
  }

  /** All epochs of the document, oldest first. Rejects with SealedError `interrupted` unless the document is connected, and stays so. */
  async epochs(): Promise<EpochInfo[]> {
    return this.#connectedHistory.epochs()
  }

  /**
   * The document as it was at the end of an epoch, or after sequence `at` of it: a new Y.Doc that belongs to the caller, and changes no more. Rejects
   * with RangeError for what does not exist, `key-refused` or `key-unknown` where that epoch is locked (and no other), `withheld` or `fork` where the
   * relay shows another log than there was, `interrupted` unless the document is connected, and stays so.
   */
  async openEpoch(index: number, at?: number): Promise<Y.Doc> {
    return this.#connectedHistory.openEpoch(index, at)
  }

  /** Sends what can still be sent in this turn, then lets go of everything: listeners, timers, socket, keys. */
  override destroy(): void {
    if (this.#isDestroyed) return
    this.#copy?.destroy()
    this.#leave(true)
    this.#isDestroyed = true
    this.#localEdits.destroy()
    this.#session.destroy()
    this.#crossTab.destroy()
    this.#pageLife.destroy()
    this.#statusTeller.stop()
    this.#keyDesk.destroy()
    this.#sealedAwareness.destroy()
    this.#unlisten()
    if (this.#ownsConnection) this.connection.destroy()
    if (this.#ownsAwareness) rethrowLater(() => this.awareness.destroy())
    const error = new SealedError('destroyed', 'the provider was destroyed before these edits were acked', 'provider')
    this.#flushes.reject(error)
    this.#session.giveUp(error)
    super.destroy()
  }

  /** The session begins once it is known where this device stood. */
  async #begin(copy: LocalCopy): Promise<void> {
    while (this.shouldConnect) {
      if (!(await copy.prepare())) continue
      if (this.shouldConnect) this.#session.want()
      return
    }
  }

  #listen(): () => void {
    return listenTo(this.connection, {
      connecting: () => this.#status.connecting(),
      'connection-close': (event) => {
        // Whoever was let in and reads too slowly comes back by itself, and reads on: nothing that the app could do about it.
        if (event && !this.#status.wsconnected) this.#noteOverload(event)
        this.#say('connection-close', event, this)
      },
      'connection-error': (event) => this.#say('connection-error', event, this),
      problem: (error) => this.#problems.raise(error.code, error.message, error.where),
      closed: (event) => this.#closedFor(event),
    })
  }

  /** Whatever a listener of the app throws, this provider goes on. */
  #say<Name extends keyof ProviderEvents & string>(name: Name, ...args: Parameters<ProviderEvents[Name]>): void {
    rethrowLater(() => this.emit(name, args))
  }

  // --- what the session tells ---

  #keyStandingChanged(): void {
    // Who begins to ask anew has stopped just before.
    queueMicrotask(() => {
      const { keyStanding } = this
      if (keyStanding === this.#toldKeyStanding) return
      this.#toldKeyStanding = keyStanding
      this.#say('key-standing', keyStanding)
    })
  }

  #freshnessChanged(): void {
    const { freshness } = this
    if (freshness === undefined || freshness === this.#toldFreshness) return
    this.#toldFreshness = freshness
    this.#say('freshness', freshness)
  }

  #phaseChanged(phase: Phase): void {
    if (phase === 'keying') this.#endedBy = undefined
    else if (phase === 'live') this.#localEdits.denyReader()
    this.#status.entered(phase)
    this.#statusTeller.look()
  }

  #outboxChanged(): void {
    this.#copy?.settled(this.#outbox.settledThrough)
    const blocking = this.#blockedBy
    if (blocking !== undefined) this.#flushes.reject(blocking)
    else if (this.#session.phase === 'live') this.#flushes.resolve(this.#outbox.settledThrough)
    this.#statusTeller.look()
  }

  #haltedBy(error: SealedError): void {
    this.#endedBy = error
    this.#flushes.reject(error)
    this.#session.giveUp(error)
  }

  /** The relay ended this document's session, not the connection. */
  #ended(code: number, reason: string, wasJoined: boolean): void {
    const event = { code, reason }
    // The token has run out, of a tab that slept, say: the app may have another one. Not so if a new one was refused.
    const isTokenOver = closeAction(code) === 'reauthorise' && wasJoined && this.#hasNextToken
    if (isTokenOver || this.shouldReconnect(event, this)) {
      this.#noteOverload(event)
      this.#session.wantLater()
      return
    }
    this.connection.unwant(this)
    this.#closedFor(event)
  }

  /** Tried again by itself, later and later; why nothing happens meanwhile the app should know. */
  #noteOverload({ code, reason }: CloseFacts): void {
    if (code !== closeReasons.overload.code) return
    const ending = endingOf(code, reason, this.#hasToken)
    this.#problems.raise(ending.code, ending.message, 'connection')
  }

  /** Told last: a listener may call connect() at once. */
  #closedFor(event: CloseFacts): void {
    if (!this.shouldConnect) return
    this.shouldConnect = false
    this.#session.end()
    const { code, message } = endingOf(event.code, event.reason, this.#hasToken)
    this.#haltedBy(this.#problems.raise(code, message, 'connection'))
    this.#say('closed', event, this)
  }

  /** In a turn of its own: what raised the problem finishes first, whatever a listener does about it. */
  #tell(error: SealedError): void {
    queueMicrotask(() => {
      this.#say('problem', error)
      rethrowLater(() => this.emit(error.code, [error]))
    })
  }

  get #connectedHistory(): History {
    const { phase, history } = this.#session
    if (phase === 'live' || phase === 'reading') return history
    throw new SealedError('interrupted', 'the document is not connected', 'history')
  }

  get #blockedBy(): SealedError | undefined {
    if (this.#isDestroyed) return new SealedError('destroyed', 'the provider was destroyed', 'provider')
    if (this.#isMissingKeys) return new SealedError('key-missing', 'no option keys', 'keys')
    if (this.#endedBy !== undefined) return this.#endedBy
    const { phase, writing } = this.#session
    const { role, obstacle } = writing
    if (phase === 'live' && role === 'read')
      return new SealedError('write-denied', 'this session may only read', 'append')
    return obstacle
  }
}
