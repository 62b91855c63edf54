import { type Clock, createKeyRing, type KeySource } from '@y-sealed/key-client'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { SealedAwareness } from './awareness/sealed-awareness.ts'
import { RelayConnection } from './connection/relay-connection.ts'
import type { CloseFacts } from './connection/web-socket.ts'
import { CrossTab } from './cross-tab/cross-tab.ts'
import { readRecord } from './epoch/chained-epoch.ts'
import { nameOf } from './epoch/epoch-name.ts'
import { KeyDesk } from './epoch/key-desk.ts'
import { DEFAULT_RECHECK_MS } from './epoch/key-watch.ts'
import { tellRefusals } from './key-refusals.ts'
import type { LocalCopy, Persistence } from './local/persistence.ts'
import { LocalEdits } from './local-edits.ts'
import { warnOfOneOperator } from './one-operator.ts'
import type { SealedProviderOptions } from './options.ts'
import { Outbox } from './outbound/outbox.ts'
import { PageLife } from './page-life.ts'
import { Problems } from './problems.ts'
import type { ProviderEvents } from './provider-events.ts'
import { ProviderStatus } from './provider-status.ts'
import { rethrowLater } from './rethrow-later.ts'
import { SealedError } from './sealed-error.ts'
import { Session } from './session/session.ts'
import type { Phase } from './session/session-ports.ts'
import { StatusTeller } from './status-teller.ts'
import type { SyncStatus } from './sync-status.ts'

/** What the parts ask of their provider, and tell it. */
export interface Conduct {
  readonly doc: Y.Doc
  readonly room: string
  readonly documentId: string
  /** Yjs origin of what comes from the relay, or is on this device already. */
  readonly origin: object
  readonly clock: Clock
  params(): Record<string, string>
  shouldReconnect(event: CloseFacts): boolean
  syncStatus(): SyncStatus
  /** Tells the app. */
  say<Name extends keyof ProviderEvents & string>(name: Name, ...args: Parameters<ProviderEvents[Name]>): void
  /** The first of a run of problems. */
  problem(error: SealedError): void
  /** The keys are here, or somebody has to act, or neither any more. */
  keyStandingChanged(): void
  freshnessChanged(): void
  phaseChanged(phase: Phase): void
  /** Something was acked or refused. */
  outboxChanged(): void
  /** Only a person can go on from here. */
  haltedBy(error: SealedError): void
  /** The relay ended this document's session, not the connection. */
  ended(code: number, reason: string, wasJoined: boolean): void
}

export interface ProviderParts {
  readonly connection: RelayConnection
  readonly awareness: Awareness
  readonly problems: Problems
  readonly outbox: Outbox
  readonly status: ProviderStatus
  readonly statusTeller: StatusTeller
  readonly keyDesk: KeyDesk
  readonly sealedAwareness: SealedAwareness
  readonly session: Session
  readonly crossTab: CrossTab
  readonly pageLife: PageLife
  /** Undefined: nothing is kept on this device. */
  readonly copy: LocalCopy | undefined
  readonly localEdits: LocalEdits
}

/** What a provider consists of, and which part tells which of what. */
export function connectParts(serverUrl: string, options: SealedProviderOptions, provider: Conduct): ProviderParts {
  const { doc, room, documentId, origin, clock } = provider

  const status = new ProviderStatus({
    onConnected: () => {
      const { epoch } = session
      if (epoch !== undefined) crossTab.open(epoch)
    },
    tellStatus: (status) => provider.say('status', { status }),
    tellSynced: (synced) => {
      provider.say('synced', synced)
      provider.say('sync', synced)
    },
  })
  const connection = options.connection ?? makeConnection(serverUrl, options, provider)
  const awareness = options.awareness ?? new Awareness(doc)
  const problems = new Problems(clock, (error) => provider.problem(error))
  const outbox = new Outbox()

  const source = keySource(options, (keyHint) => copy?.refused(keyHint))
  if (source !== noKeys) warnOfOneOperator(connection.url, options.keys)
  const ring = createKeyRing({ source, documentId, clock })
  const keyDesk = new KeyDesk({
    ring,
    clock,
    problems,
    documentId,
    refuseWeakKeys: options.weakKeys === 'refuse',
    // What is shown is no longer all there is, and will not be before a person acts.
    onLocked: ({ code }) => {
      if (code !== 'key-unavailable') status.incomplete()
      session.locked(code)
      statusTeller.look()
    },
    onStanding: () => provider.keyStandingChanged(),
    onMatch: () => provider.say('key-match'),
  })

  const sealedAwareness: SealedAwareness = new SealedAwareness({
    awareness,
    origin,
    problems,
    clock,
    sealer: () => session.writing.useSealer(),
    send: (envelope) => session.sendAwareness(envelope),
  })
  const { token = '' } = options
  const session: Session = new Session({
    doc,
    origin,
    room,
    params: () => provider.params(),
    token: typeof token === 'function' ? token : () => token,
    hasNextToken: typeof token === 'function',
    padding: options.padding ?? true,
    flushDelayMs: options.flushDelay ?? 0,
    initial: options.initial,
    clock,
    connection,
    outbox,
    problems,
    awareness: sealedAwareness,
    keyDesk,
    ring,
    documentId,
    keyRecheckMs: options.keyRecheckInterval ?? DEFAULT_RECHECK_MS,
    onRetirement: () => provider.keyStandingChanged(),
    onEpoch: (epoch) => {
      copy?.entered(epoch)
      crossTab.reopen(epoch)
      provider.say('epoch', nameOf(epoch))
    },
    onPhase: (phase) => provider.phaseChanged(phase),
    onVerified: (verified) => provider.say('verified', verified),
    onUnwitnessed: (unwitnessed) => provider.say('unwitnessed', unwitnessed),
    onFreshness: () => provider.freshnessChanged(),
    onBegan: () => copy?.began(),
    onLogged: (update, sequence) => copy?.logged(update, sequence),
    onProgress: () => copy?.progress(),
    onOutbox: () => provider.outboxChanged(),
    onForeignContent: (update) => localEdits.add(update),
    onHalted: (error) => provider.haltedBy(error),
    onEnded: (code, reason, wasJoined) => provider.ended(code, reason, wasJoined),
  })
  const crossTab = new CrossTab({
    doc,
    name: `y-sealed ${connection.url} ${room}`,
    isDisabled: options.disableBc === true,
    clock,
    problems,
    onForeign: () => localEdits.adoptForeign(),
    covers: (update) => session.writing.unsent.covers(update),
  })

  function attach(persistence: Persistence): LocalCopy {
    return persistence.attach({
      relayUrl: connection.url,
      room,
      documentId,
      doc,
      origin,
      clock,
      problems,
      adopt: async (record) => {
        const adopted = await keyDesk.adopt(readRecord(record), undefined, { isDispensable: true })
        // What the endpoint says against it, it will say against the relay, too.
        return adopted instanceof SealedError ? 'locked' : adopted
      },
      adoptOnce: (record) => keyDesk.adoptOnce(readRecord(record), undefined),
      standing: () => session.standing,
      wholeLog: () => session.wholeLog(),
      resume: (restored) => session.resume(restored),
      restoreEdit: (update, sinceMs) => localEdits.restore(update, sinceMs),
      disown: () => session.writing.unsent.fork(),
      onStored: () => provider.say('stored'),
      adoptPlaintext: (update) => rethrowLater(() => Y.applyUpdate(doc, update, persistence)),
    })
  }

  const copy = options.persistence && attach(options.persistence)
  const localEdits = new LocalEdits({
    doc,
    origin,
    clock,
    problems,
    outbox,
    crossTab,
    session,
    copy,
    onOutbox: () => statusTeller.look(),
  })
  const pageLife = new PageLife({
    warnOnClose: options.warnOnClose ?? true,
    hasUnsyncedChanges: () => !outbox.isEmpty,
    onHide: () => {
      copy?.hidden()
      session.sendLast(true)
    },
    // A page that comes back from the back/forward cache must not go on with the counters it had (protocol §3).
    onRestored: () => {
      copy?.shown()
      connection.reset()
    },
  })
  const statusTeller = new StatusTeller({
    clock,
    read: () => provider.syncStatus(),
    tell: (status) => provider.say('sync-status', status),
  })

  return {
    ...{ connection, awareness, problems, outbox, status, statusTeller, keyDesk },
    ...{ sealedAwareness, session, crossTab, pageLife, copy, localEdits },
  }
}

function makeConnection(serverUrl: string, options: SealedProviderOptions, provider: Conduct): RelayConnection {
  const { WebSocketPolyfill, protocols, maxBackoffTime, allowInsecure, unsafeClock } = options
  return new RelayConnection(serverUrl, {
    ...(WebSocketPolyfill && { WebSocketPolyfill }),
    ...(protocols && { protocols }),
    ...(maxBackoffTime !== undefined && { maxBackoffTime }),
    ...(allowInsecure !== undefined && { allowInsecure }),
    ...(unsafeClock && { unsafeClock }),
    shouldReconnect: (event) => provider.shouldReconnect(event),
  })
}

function keySource({ keys, persistence }: SealedProviderOptions, onRefused: (keyHint: string) => void): KeySource {
  if (typeof keys !== 'function') return noKeys
  return persistence === undefined ? keys : tellRefusals(keys, onRefused)
}

/** Never asked: a provider without keys does not connect. */
const noKeys: KeySource = () => Promise.reject(new SealedError('key-missing', 'no option keys', 'keys'))
