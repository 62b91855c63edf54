import type { LeaseRequest, LeaseResult, PauseRequest, PauseResult } from './log-store.ts'
import { type Claim, type DocumentRow, NO_CLAIM } from './sqlite-rows.ts'

/**
 * The rules of lease and pause over one document's row; what they return as `claim` is to be written there. Pure, with
 * the time as an argument: every statement that asks them runs under the lock of that row.
 */

/** Whether this session has the document's lease to open an epoch. */
export function mayOpen(row: Claim, session: number, nowUnixMs: number): boolean {
  return holdsLease(row, session, nowUnixMs) && row.leasePurpose === 'rotate'
}

export function holdsLease(row: Claim, session: number, nowUnixMs: number): boolean {
  return row.leaseSession === session && row.leaseUntil > nowUnixMs
}

export function isPaused(row: Claim, nowUnixMs: number): boolean {
  return row.pauseUntil > nowUnixMs
}

export function takeLease(
  row: DocumentRow,
  head: { hash: Uint8Array; bytes: Uint8Array },
  request: LeaseRequest,
  nowUnixMs: number,
): { result: LeaseResult; claim?: Claim } {
  if (Buffer.compare(head.hash, request.head) !== 0) {
    return { result: { granted: false, code: 'stale-epoch', record: head.bytes } }
  }
  const isTaken = row.leaseUntil > nowUnixMs && row.leaseSession !== request.session
  if (isTaken) return { result: { granted: false, code: 'busy' } }
  const lease = {
    leaseSession: request.session,
    leasePurpose: request.purpose,
    leaseUntil: nowUnixMs + request.leaseMs,
    pauseUntil: 0,
  }
  return { result: { granted: true }, claim: { ...row, ...lease } }
}

export function takePause(
  row: DocumentRow,
  request: PauseRequest,
  nowUnixMs: number,
): { result: PauseResult; claim?: Claim } {
  const { session, pauseMs, againMs } = request
  if (!mayOpen(row, session, nowUnixMs)) return { result: { granted: false, code: 'busy' } }
  // Its last pause ran out, or was given up: the others have waited in vain, and may write for a while.
  if (row.pauseSession === session && row.pauseAgainAt > nowUnixMs) {
    return { result: { granted: false, code: 'limit' } }
  }
  const pauseUntil = nowUnixMs + pauseMs
  return {
    result: { granted: true, sequence: row.sequence, hash: row.hash },
    claim: { ...row, pauseUntil, pauseSession: session, pauseAgainAt: pauseUntil + againMs },
  }
}

/** The session's lease and pause have ended; it has not forgotten when it may pause again. */
export function released(row: DocumentRow): Claim {
  const { pauseSession, pauseAgainAt } = row
  return { ...NO_CLAIM, pauseSession, pauseAgainAt }
}
