import type { Clock, KeyRing } from '@y-sealed/key-client'
import type * as Y from 'yjs'
import type { SealedAwareness } from '../awareness/sealed-awareness.ts'
import type { RelayConnection } from '../connection/relay-connection.ts'
import type { Epoch } from '../epoch/epoch.ts'
import type { KeyDesk } from '../epoch/key-desk.ts'
import type { Outbox } from '../outbound/outbox.ts'
import type { Problems } from '../problems.ts'
import type { SealedError } from '../sealed-error.ts'
import type { Unwitnessed, Verified } from '../witness/witness-ledger.ts'

/**
 *   away ─socket open→ joining ─joined→ keying ─keyed→ reading ─caught up→ live
 *   `held`: joined, but the relay shows another document than the one known here; a record that follows, or a person, leads out.
 *   `halted`: the relay or an operator ended this document's session for good; only connect() leaves it.
 */
export type Phase = 'away' | 'joining' | 'keying' | 'reading' | 'live' | 'held' | 'halted'

export interface SessionPorts {
  readonly doc: Y.Doc
  /** Yjs origin of what comes from the relay. */
  readonly origin: object
  readonly room: string
  readonly params: () => Record<string, string>
  readonly token: () => string | Promise<string>
  /** `token` may have another answer when it is asked again. */
  readonly hasNextToken: boolean
  readonly padding: boolean
  readonly flushDelayMs: number
  readonly initial: ((doc: Y.Doc) => void) | undefined
  readonly clock: Clock
  readonly connection: RelayConnection
  readonly outbox: Outbox
  readonly problems: Problems
  readonly awareness: SealedAwareness
  readonly keyDesk: KeyDesk
  readonly ring: KeyRing
  readonly documentId: string
  /** How often the endpoint is asked for the present key again while this client writes. */
  readonly keyRecheckMs: number
  onPhase(phase: Phase): void
  /** Nothing new is sealed under the present key, or it is again. */
  onRetirement(): void
  /** The log is read anew, from a checkpoint or the start of an epoch; `onLogged`: an update has entered the log state; `onProgress`: the reader has got on. */
  onBegan(): void
  onLogged(update: Uint8Array, sequence: number): void
  onProgress(): void
  /** Another epoch is in use from here on. */
  onEpoch(epoch: Epoch): void
  /** Somebody else has seen the same log, further than before. */
  onVerified(verified: Verified): void
  /** Others write and nobody else has seen the same, or it is so no longer. */
  onUnwitnessed(unwitnessed: Unwitnessed | undefined): void
  /** What says that the epoch is the newest may be something else than before. */
  onFreshness(): void
  /** Something was acked or refused. */
  onOutbox(): void
  /** Content from elsewhere that waited in the document could be used, and the log lacks it. */
  onForeignContent(update: Uint8Array): void
  /** Told before the phase becomes `halted`. */
  onHalted(error: SealedError): void
  /** The relay ended this document's session with a close code; `wasJoined`: it had taken the token before. */
  onEnded(code: number, reason: string, wasJoined: boolean): void
}
