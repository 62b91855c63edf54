/** @module index */
export {
  checkKey,
  type FragmentKeyOptions,
  firstOf,
  fragmentKey,
  generateKey,
  type KeyAnswer,
  type KeyCheck,
  KeyError,
  type KeyRequest,
  type KeySource,
  keyEndpoint,
  keyFromBytes,
  type PassphraseOptions,
  passphrase,
  rememberKeys,
  shareLink,
  staticKey,
} from '@y-sealed/key-client'
export { RelayConnection, type RelayConnectionOptions } from './connection/relay-connection.ts'
export type { CloseFacts, WebSocketConstructor, WebSocketLike } from './connection/web-socket.ts'
export type { EpochName } from './epoch/epoch-name.ts'
export type { Freshness } from './epoch/freshness.ts'
export type { KeyStanding } from './epoch/key-desk.ts'
export type { EpochInfo } from './history/history-ports.ts'
export type { SealedProviderOptions } from './options.ts'
export type { Counters } from './problems.ts'
export { SealedProvider } from './provider.ts'
export type { ProviderEvents } from './provider-events.ts'
export { type Fault, type KnownPlace, PROBLEMS, type ProblemCode, SealedError } from './sealed-error.ts'
export type { RotationOptions } from './session/own-epochs.ts'
export type { SyncStatus } from './sync-status.ts'
export type { Unwitnessed, Verified } from './witness/witness-ledger.ts'
