import type { CloseFacts } from './connection/web-socket.ts'
import type { EpochName } from './epoch/epoch-name.ts'
import type { SealedProvider } from './provider.ts'
import type { ProblemCode, SealedError } from './sealed-error.ts'
import type { SyncStatus } from './sync-status.ts'

/** Each problem is also emitted under its own code. */
type ProblemEvents = { [Code in ProblemCode]: (error: SealedError) => void }

interface OtherEvents {
  /** `connected`: the socket is open, the session authorised and the keys are here. */
  status: (event: { status: 'connecting' | 'connected' | 'disconnected' }) => void
  /** true: every entry of the log has been applied. Never without keys. */
  sync: (synced: boolean) => void
  synced: (synced: boolean) => void
  'sync-status': (status: SyncStatus) => void
  'connection-close': (event: CloseFacts | null, provider: SealedProvider) => void
  'connection-error': (event: unknown, provider: SealedProvider) => void
  /** Final, until `connect()` is called. */
  closed: (event: CloseFacts, provider: SealedProvider) => void
  problem: (error: SealedError) => void
  /** Another epoch is in use: the first one, or after a rotation. */
  epoch: (epoch: EpochName) => void
  /** After `key-mismatch`: the key fits again. */
  'key-match': () => void
}

type All = ProblemEvents & OtherEvents
export type ProviderEvents = { [Name in keyof All]: All[Name] }
