import type { EpochKeys } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Up } from '@y-sealed/protocol'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Problems } from '../problems.ts'
import type { ProblemCode } from '../sealed-error.ts'
import type { LogEnd } from './span.ts'

export interface HistoryPorts {
  readonly clock: Clock
  readonly problems: Problems
  /** Every epoch that is held good, oldest first. */
  chain(): readonly ChainedEpoch[]
  /** The keys of an epoch, verified. Rejects with SealedError or KeyError: `key-refused`, `key-unknown`, `key-mismatch`, `key-unavailable` … */
  keysOf(epoch: ChainedEpoch): Promise<EpochKeys>
  /** The relay keeps all of the log behind this sequence, and not all before it. */
  pruned(): number
  /** Cursor of the live session in the newest epoch, and H there (32 bytes). */
  end(): LogEnd
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
}

/** One epoch of a document, for people to choose from. */
export interface EpochInfo {
  readonly index: number
  readonly keyHint: string
  /** Shown so that two people can compare it. */
  readonly fingerprint: string
  /** The first sequence of it that can be read: its own first one, unless the relay does not keep its beginning any more. */
  readonly from: number
  /** Its last one; `from - 1` while it has none. */
  readonly to: number
  /** When it began, or what is kept of it, in unix ms by the clock of who sealed that; undefined where it began empty, or its beginning cannot be opened. */
  readonly at: number | undefined
  /** Why it cannot be opened: `key-refused`, `key-unknown`, `key-mismatch` …, `pruned`; undefined where it can, or nobody has found out yet. */
  readonly locked: ProblemCode | undefined
}
