import type { CloseFacts } from './connection/web-socket.ts'
import type { EpochName } from './epoch/epoch-name.ts'
import type { Freshness } from './epoch/freshness.ts'
import type { KeyStanding } from './epoch/key-desk.ts'
import type { SealedProvider } from './provider.ts'
import type { ProblemCode, SealedError } from './sealed-error.ts'
import type { SyncStatus } from './sync-status.ts'
import type { Unwitnessed, Verified } from './witness/witness-ledger.ts'

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
  /** Somebody else has seen the same log, further than before. */
  verified: (verified: Verified) => void
  /** For a minute others have written what nobody else has witnessed; undefined: somebody has, or it is not known any more. */
  unwitnessed: (unwitnessed: Unwitnessed | undefined) => void
  /** What says that the epoch in use is the newest is something else than before. */
  freshness: (freshness: Freshness) => void
  /** `provider.keyStanding` is another. */
  'key-standing': (standing: KeyStanding) => void
  /** Everything that was written here so far is durable on this device. */
  stored: () => void
  /** After `key-mismatch`: the key fits again. */
  'key-match': () => void
}

type All = ProblemEvents & OtherEvents
export type ProviderEvents = { [Name in keyof All]: All[Name] }
