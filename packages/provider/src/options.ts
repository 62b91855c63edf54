import type { Clock, KeySource } from '@y-sealed/key-client'
import { MAX_ROOM_BYTES } from '@y-sealed/protocol'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { RelayConnection } from './connection/relay-connection.ts'
import type { CloseFacts, WebSocketConstructor } from './connection/web-socket.ts'
import { NUDGE_MS } from './epoch/key-watch.ts'
import type { Persistence } from './local/persistence.ts'
import type { SealedProvider } from './provider.ts'

/** Options of `new SealedProvider(url, room, doc, options)`. Those that y-websocket 3.1 has mean the same here. */
export interface SealedProviderOptions {
  /** Where keys come from: `keyEndpoint(url)`, `staticKey(key)` or any function of the contract. Without it the provider stays locked. */
  keys: KeySource
  /** The relay's access token, sent in the join message; a function is asked at each join, and before the token that it gave ends. */
  token?: string | (() => string | Promise<string>)
  /** What keys are bound to; default: the room name. With it the room may be random, and is then all that the relay sees. */
  documentId?: string
  /** Keeps the document on this device, sealed: `sealedIndexedDB()` of `y-sealed/indexeddb`. Default: nothing is kept. */
  persistence?: Persistence
  /** Shares one socket between several providers. */
  connection?: RelayConnection
  /** Seeds a new document: called once, on an empty scratch document, by whoever opens the document's first epoch. */
  initial?: (doc: Y.Doc) => void
  /** ms that edits are collected before they are sealed; default 0 (the end of the turn, and while an append is in flight). */
  flushDelay?: number
  /** Hides exact lengths from the relay; default true. */
  padding?: boolean
  /** What to do with a key that can be guessed: `stretch` it and raise `key-weak` (default), or `refuse` it. */
  weakKeys?: 'stretch' | 'refuse'
  /** ms; how often the key endpoint is asked, while this client writes, whether its key is still in use; 60,000 or more, default 600,000. */
  keyRecheckInterval?: number
  /** `ws:` to a host that is not loopback. */
  allowInsecure?: boolean
  /** In browsers: ask before a page with unsynced edits is left; default true. */
  warnOnClose?: boolean
  connect?: boolean
  awareness?: Awareness
  /** Given to the relay's `auth`; in the join message, never in a URL. */
  params?: Record<string, string>
  protocols?: string[]
  WebSocketPolyfill?: WebSocketConstructor
  /** ms; the longest wait between two attempts to connect. */
  maxBackoffTime?: number
  /** No traffic between the tabs of this browser. Outside browsers there is none in any case. */
  disableBc?: boolean
  shouldReconnect?: (event: CloseFacts, provider: SealedProvider) => boolean
  /** y-websocket's; accepted and without effect: entries are acked and the log is compared by hash. */
  resyncInterval?: number
  /** For tests: every timer and time of the provider. */
  unsafeClock?: Clock
}

const KNOWN: Record<keyof SealedProviderOptions, true> = {
  keys: true,
  token: true,
  documentId: true,
  persistence: true,
  connection: true,
  initial: true,
  flushDelay: true,
  padding: true,
  weakKeys: true,
  keyRecheckInterval: true,
  allowInsecure: true,
  warnOnClose: true,
  connect: true,
  awareness: true,
  params: true,
  protocols: true,
  WebSocketPolyfill: true,
  maxBackoffTime: true,
  disableBc: true,
  shouldReconnect: true,
  resyncInterval: true,
  unsafeClock: true,
}

/** What the relay's protocol and the keys bind to: 1 to 1,024 bytes of well-formed UTF-8 (protocol §1). */
export function checkRoom(room: unknown): void {
  const bytes = typeof room === 'string' ? new TextEncoder().encode(room).length : 0
  if (bytes < 1 || bytes > MAX_ROOM_BYTES) {
    throw new TypeError(
      `the room must be a string of 1 to ${MAX_ROOM_BYTES} bytes; got ${typeof room === 'string' ? `${bytes} bytes` : typeof room}`,
    )
  }
}

/** Throws a TypeError that names an option which does not exist, or has a value of the wrong kind. */
export function checkOptions(options: SealedProviderOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('SealedProvider needs options with keys, such as { keys: keyEndpoint(url) }')
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name))
      throw new TypeError(`SealedProvider has no option "${name}"; it knows ${Object.keys(KNOWN).join(', ')}`)
  }
  if (options.keys !== undefined && options.keys !== null && typeof options.keys !== 'function')
    throw new TypeError(`option keys must be a function, such as keyEndpoint(url) gives; got ${typeof options.keys}`)
  expectType(options.documentId, 'documentId', 'string')
  expectType(options.initial, 'initial', 'function')
  expectType(options.padding, 'padding', 'boolean')
  expectType(options.shouldReconnect, 'shouldReconnect', 'function')
  const { flushDelay, weakKeys, token, keyRecheckInterval } = options
  if (keyRecheckInterval !== undefined && !(keyRecheckInterval >= NUDGE_MS && Number.isFinite(keyRecheckInterval)))
    throw new TypeError(
      `option keyRecheckInterval must be a number of ms, ${NUDGE_MS} or more; got ${String(keyRecheckInterval)}`,
    )
  if (flushDelay !== undefined && !(typeof flushDelay === 'number' && flushDelay >= 0 && Number.isFinite(flushDelay))) {
    throw new TypeError(
      `option flushDelay must be a number of ms, 0 or more; got ${typeof flushDelay} ${String(flushDelay)}`,
    )
  }
  if (weakKeys !== undefined && weakKeys !== 'stretch' && weakKeys !== 'refuse')
    throw new TypeError(`option weakKeys must be "stretch" or "refuse"; got ${String(weakKeys)}`)
  const { persistence } = options
  if (persistence !== undefined && typeof persistence?.attach !== 'function')
    throw new TypeError(`option persistence must be what sealedIndexedDB() gives; got ${typeof persistence}`)
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function')
    throw new TypeError(`option token must be a string or a function; got ${typeof token}`)
}

function expectType(value: unknown, name: string, type: 'string' | 'function' | 'boolean'): void {
  if (value !== undefined && typeof value !== type)
    throw new TypeError(`option ${name} must be a ${type}; got ${typeof value}`)
}
