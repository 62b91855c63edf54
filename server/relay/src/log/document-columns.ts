import type { LeasePurpose } from '@y-sealed/protocol'
import { RelayError } from '../errors.ts'
import type { SoleAuthor } from './compaction.ts'
import type { EpochState } from './epoch-state.ts'

/** A document's state, its last author and its owner in one row, as every store keeps them. Times in unix ms. */
export interface DocumentColumns {
  sequence: number
  hash: Uint8Array
  headIndex: number
  /** null where a record is missing that should be there. */
  headHash: Uint8Array | null
  /** A lease or pause of session 0 is none: sessions have numbers from 1. */
  leaseSession: number
  leasePurpose: LeasePurpose
  leaseUntil: number
  pauseSession: number
  pauseUntil: number
  pauseAgainAt: number
  soleSubject: string | null
  soleSince: number
  bytes: number
  tenant: string | null
}

/** Those whose names are the same in every store, for a SELECT. */
export const CLAIMS_AND_AUTHOR = `lease_session AS "leaseSession", lease_purpose AS "leasePurpose", lease_until AS "leaseUntil",
    pause_session AS "pauseSession", pause_until AS "pauseUntil", pause_again_at AS "pauseAgainAt",
    sole_subject AS "soleSubject", sole_since AS "soleSince"`

export function stateOf(row: DocumentColumns): EpochState {
  const { sequence, hash, headIndex, headHash, leaseSession, pauseSession } = row
  if (!headHash) throw new RelayError('storage', 'a document without its head record')
  return {
    head: { index: headIndex, hash: headHash },
    sequence,
    hash,
    lease:
      leaseSession > 0 ? { session: leaseSession, purpose: row.leasePurpose, untilUnixMs: row.leaseUntil } : undefined,
    pause:
      pauseSession > 0
        ? { session: pauseSession, untilUnixMs: row.pauseUntil, againAtUnixMs: row.pauseAgainAt }
        : undefined,
  }
}

export function soleOf({ soleSubject, soleSince }: DocumentColumns): SoleAuthor {
  return { subject: soleSubject ?? undefined, since: soleSince }
}

/** What the columns of lease and pause get, in the order of `DocumentColumns`. */
export function claimColumns({ lease, pause }: EpochState): (number | string)[] {
  return [
    lease?.session ?? 0,
    lease?.purpose ?? '',
    lease?.untilUnixMs ?? 0,
    pause?.session ?? 0,
    pause?.untilUnixMs ?? 0,
    pause?.againAtUnixMs ?? 0,
  ]
}
