import type { LeasePurpose } from '@y-sealed/protocol'
import { sameHash } from './record-hash.ts'

/**
 * The rules of appending, opening, lease and pause, as functions from one document's state to the next (protocol §6). No
 * storage and no clock in them: a store asks them in the transaction, or under the lock, that then saves what they return,
 * and a search can walk through every order of events. Hashes are compared and passed on, never computed, so any length will do.
 * A document without an epoch has no state: all that can happen to it is that one is opened.
 */
export interface EpochState {
  readonly head: HeadRecord
  /** Of the newest entry; 0 = none. */
  readonly sequence: number
  /** H there. */
  readonly hash: Uint8Array
  readonly lease: LeaseClaim | undefined
  readonly pause: PauseClaim | undefined
}

export interface HeadRecord {
  readonly index: number
  /** SHA-256 of the record. */
  readonly hash: Uint8Array
}

/** Who may open the next epoch, or make a checkpoint. Times are the store's. */
export interface LeaseClaim {
  readonly session: number
  readonly purpose: LeasePurpose
  readonly untilUnixMs: number
}

/** The last pause of an epoch that is not over. It outlives its end: its session has to wait for the next one. */
export interface PauseClaim {
  readonly session: number
  /** Appends wait until then; 0 = no longer. */
  readonly untilUnixMs: number
  /** When the session may pause again. */
  readonly againAtUnixMs: number
}

/** A claim that was granted, with the state that it leaves, or why it was not. */
export type Claimed<Code> =
  | { readonly granted: true; readonly state: EpochState }
  | { readonly granted: false; readonly code: Code }

/**
 * Why entries sealed for these epochs may not be stored; undefined: they may. Salts and counters are the store's to check.
 * `stale-epoch`: not the head's. `paused`: somebody is about to open an epoch.
 */
export function judgeAppend(
  state: EpochState,
  runs: readonly { readonly epochIndex: number }[],
  nowUnixMs: number,
): 'stale-epoch' | 'paused' | undefined {
  if (runs.some(({ epochIndex }) => epochIndex !== state.head.index)) return 'stale-epoch'
  return isPaused(state, nowUnixMs) ? 'paused' : undefined
}

/** `count` entries further; `hash` is H after the last of them. */
export function appended(state: EpochState, count: number, hash: Uint8Array): EpochState {
  return { ...state, sequence: state.sequence + count, hash }
}

/** The head that an epoch replaces, and all of its log that is carried over. */
export interface Replaced {
  /** Hash of the head record. */
  readonly record: Uint8Array
  /** Last sequence of the log, and H there. */
  readonly sequence: number
  readonly hash: Uint8Array
}

export interface Opening {
  readonly session: number
  readonly record: { readonly index: number }
  /** Absent: the document must have no epoch. */
  readonly replaces: Replaced | undefined
}

/**
 * Why an epoch may not be opened; undefined: it may. `stale-epoch`: record, sequence or H is not the head's. `busy`: the
 * lease is not this session's. `malformed`: the index does not rise.
 */
export function judgeOpen(
  state: EpochState | undefined,
  { session, record, replaces }: Opening,
  nowUnixMs: number,
): 'stale-epoch' | 'busy' | 'malformed' | undefined {
  if (!sameHash(state?.head.hash, replaces?.record)) return 'stale-epoch'
  // A first record may have any index: the relay may have lost the epochs before it, and its clients have not.
  if (!state) return undefined
  if (!holdsLease(state, session, 'rotate', nowUnixMs)) return 'busy'
  // Something was stored that the opener does not carry over: it would be lost for all who join from now on.
  if (state.sequence !== replaces?.sequence || !sameHash(state.hash, replaces.hash)) return 'stale-epoch'
  return record.index > state.head.index ? undefined : 'malformed'
}

/** At the start of the epoch of this record, before its first entry; `hash` is H there. Nobody has lease or pause. */
export function opened(state: EpochState | undefined, record: HeadRecord, hash: Uint8Array): EpochState {
  const head = { index: record.index, hash: record.hash }
  return { head, sequence: state?.sequence ?? 0, hash, lease: undefined, pause: undefined }
}

export interface LeaseWish {
  readonly session: number
  readonly purpose: LeasePurpose
  /** Hash of the head record as the session knows it. */
  readonly head: Uint8Array
  readonly leaseMs: number
}

/**
 * `stale-epoch`: another head. `busy`: somebody else has the lease, unless he has it for a checkpoint and it is wanted for a
 * rotation: shutting a member out does not wait for an upload. Whoever has it gets it anew, and is not paused any more.
 */
export function takeLease(
  state: EpochState,
  { session, purpose, head, leaseMs }: LeaseWish,
  nowUnixMs: number,
): Claimed<'busy' | 'stale-epoch'> {
  if (!sameHash(state.head.hash, head)) return { granted: false, code: 'stale-epoch' }
  const { lease } = state
  const isHeld = lease !== undefined && lease.untilUnixMs > nowUnixMs && lease.session !== session
  const givesWay = purpose === 'rotate' && lease?.purpose === 'checkpoint'
  if (isHeld && !givesWay) return { granted: false, code: 'busy' }
  const taken = { session, purpose, untilUnixMs: nowUnixMs + leaseMs }
  return { granted: true, state: { ...withoutClaims(state), lease: taken } }
}

/** The session's lease begun anew; undefined: it is not the session's any more. */
export function renewed(
  state: EpochState,
  { session, leaseMs }: { readonly session: number; readonly leaseMs: number },
  nowUnixMs: number,
): EpochState | undefined {
  const lease = leaseOf(state, session, nowUnixMs)
  return lease && { ...state, lease: { ...lease, untilUnixMs: nowUnixMs + leaseMs } }
}

export interface PauseWish {
  readonly session: number
  readonly pauseMs: number
  /** After a pause that ran out, or was given up, the session waits so long before its next. */
  readonly againMs: number
}

/** `busy`: the lease to rotate is not this session's. `limit`: its last pause ended a moment ago. */
export function takePause(
  state: EpochState,
  { session, pauseMs, againMs }: PauseWish,
  nowUnixMs: number,
): Claimed<'busy' | 'limit'> {
  if (!holdsLease(state, session, 'rotate', nowUnixMs)) return { granted: false, code: 'busy' }
  const { pause } = state
  // The others have waited in vain, and may write for a while.
  if (pause?.session === session && pause.againAtUnixMs > nowUnixMs) return { granted: false, code: 'limit' }
  const untilUnixMs = nowUnixMs + pauseMs
  return { granted: true, state: { ...state, pause: { session, untilUnixMs, againAtUnixMs: untilUnixMs + againMs } } }
}

/** Without the lease and the pause of this session; the same state where it has no lease. Also what its end does. */
export function released(state: EpochState, session: number): EpochState {
  return state.lease?.session === session ? withoutClaims(state) : state
}

/** Nobody has the lease and nothing is paused; who paused last has not been forgotten. */
function withoutClaims(state: EpochState): EpochState {
  const { pause } = state
  return { ...state, lease: undefined, pause: pause && { ...pause, untilUnixMs: 0 } }
}

function isPaused({ pause }: EpochState, nowUnixMs: number): boolean {
  return pause !== undefined && pause.untilUnixMs > nowUnixMs
}

/** Whether the session has the document's lease, and for this. */
export function holdsLease(state: EpochState, session: number, purpose: LeasePurpose, nowUnixMs: number): boolean {
  return leaseOf(state, session, nowUnixMs)?.purpose === purpose
}

function leaseOf({ lease }: EpochState, session: number, nowUnixMs: number): LeaseClaim | undefined {
  return lease?.session === session && lease.untilUnixMs > nowUnixMs ? lease : undefined
}
