import { type EpochState, holdsLease } from './epoch-state.ts'
import { sameHash } from './record-hash.ts'

/**
 * When a checkpoint may take the place of the log before it, and when it counts as named (protocol §7), as functions of
 * what a store knows. No storage and no clock in them, as in `epoch-state.ts`.
 */

/** What a member says of the checkpoint that it has made. */
export interface Compaction {
  readonly session: number
  /** For which it is sealed. */
  readonly epochIndex: number
  /** The last sequence that it covers, and H there. */
  readonly sequence: number
  readonly hash: Uint8Array
  /** Hash of the newest checkpoint as the author knows it; undefined: the epoch has none. */
  readonly previous: Uint8Array | undefined
}

/** What the log of the head epoch says. */
export interface Covered {
  /** Its newest checkpoint. */
  readonly newest: { readonly checkpoint: Uint8Array; readonly sequence: number } | undefined
  /** The last sequence before the epoch. */
  readonly start: number
  /** H at the sequence of the compaction; undefined where there is none. */
  readonly hash: Uint8Array | undefined
}

/**
 * Why a checkpoint may not be stored; undefined: it may. `stale-epoch`: not the head's. `busy`: the lease for it is not
 * this session's. `stale-checkpoint`: another one is the newest, or the log is not the one that it covers.
 */
export function judgeCompaction(
  state: EpochState,
  { session, epochIndex, sequence, hash, previous }: Compaction,
  { newest, start, hash: hashThere }: Covered,
  nowUnixMs: number,
): 'stale-epoch' | 'busy' | 'stale-checkpoint' | undefined {
  if (epochIndex !== state.head.index) return 'stale-epoch'
  if (!holdsLease(state, session, 'checkpoint', nowUnixMs)) return 'busy'
  if (!sameHash(newest?.checkpoint, previous)) return 'stale-checkpoint'
  // Also the end of the log before: at an epoch's start H is no entry's.
  if (sequence <= (newest?.sequence ?? start)) return 'stale-checkpoint'
  return hashThere && sameHash(hashThere, hash) ? undefined : 'stale-checkpoint'
}

/** Who alone has appended all entries after a sequence. */
export interface SoleAuthor {
  /** undefined: not known, and nobody is taken for him. */
  readonly subject: string | undefined
  readonly since: number
}

/** After an append by this subject behind the entry `before`. */
export function writtenBy(sole: SoleAuthor, subject: string, before: number): SoleAuthor {
  return sole.subject === subject ? sole : { subject, since: before }
}

/**
 * Whether a checkpoint of this subject needs nobody else to name it: nobody else has written since the base, so nobody
 * else's edits can be missing in it.
 */
export function isNamedAtOnce(sole: SoleAuthor, subject: string, baseSequence: number): boolean {
  return sole.subject === subject && sole.since <= baseSequence
}

/** An append of this subject that names a checkpoint. */
export interface Naming {
  readonly checkpoint: Uint8Array
  readonly subject: string
  /** How long the author's own word does not count. */
  readonly aloneMs: number
}

/** Whether the newest checkpoint counts as named by this: if it is that one, at once where it is not the subject's own, later in any case. */
export function isNamedBy(
  newest: {
    readonly checkpoint: Uint8Array
    readonly isNamed: boolean
    readonly subject: string
    readonly storedAtUnixMs: number
  },
  { checkpoint, subject, aloneMs }: Naming,
  nowUnixMs: number,
): boolean {
  if (newest.isNamed || !sameHash(newest.checkpoint, checkpoint)) return false
  return newest.subject !== subject || nowUnixMs - newest.storedAtUnixMs > aloneMs
}
