import type { Field } from '../codec/field.ts'
import { bool, channel, hash32, optional, request, requestOrNone, uint } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { block, type Entry, entries } from './entry.ts'
import { type Place, place } from './place.ts'

/**
 * Stores what is staged under this request and then these, all of them chunks of one checkpoint, as the newest checkpoint
 * of the head epoch: all or nothing, and only if the session has the lease for it (whose number this is), the relay's own
 * H at `sequence` is `hash`, and the newest checkpoint is still `previous`. Ends the lease. Answered by `compacted`, or
 * `refused`: `busy` (the lease), `stale-epoch` (another head), `stale-checkpoint` (H, sequence or `previous` do not fit),
 * `malformed` (not the chunks named), `out-of-order`, `limit`, `write-denied`.
 */
export interface Compact<Entries = Entry[]> {
  readonly type: 'compact'
  readonly channel: number
  /** The lease's. */
  readonly request: number
  /** The last sequence of the log that the checkpoint covers: later than the newest checkpoint's, or the epoch's start. */
  readonly sequence: number
  /** H there, whole (32 bytes). */
  readonly hash: Uint8Array
  /** The newest checkpoint of the epoch (32 bytes), the one with which it began among them; absent = it has none. */
  readonly previous?: Uint8Array
  /** Hash (32 bytes) of the checkpoint. The relay compares it with what it holds. */
  readonly checkpoint: Uint8Array
  /** Chunks; may be empty where something is staged. */
  readonly envelopes: Entries
}

/**
 * The head epoch has another newest checkpoint: to its author after the commit, and to the other members. Again, to all of
 * them, when it counts as named.
 */
export interface Compacted {
  readonly type: 'compacted'
  readonly channel: number
  /** The author's, or 0: somebody else's, the one with which an epoch has begun, or one that counts as named from now on. */
  readonly request: number
  readonly place: Place
  /** It is the base: the log that it covers is not kept for those who have to compare it. */
  readonly named: boolean
}

const compactOf = <Entries>(envelopes: Field<Entries>) =>
  defineMessage<Compact<Entries>>('compact', 0x1e, {
    channel,
    request,
    sequence: uint(1, Number.MAX_SAFE_INTEGER),
    hash: hash32,
    previous: optional(hash32),
    checkpoint: hash32,
    envelopes,
  })

export const compact = compactOf(entries(0))
export const compactBlock = compactOf(block(0))

export const compacted = defineMessage<Compacted>('compacted', 0x55, {
  channel,
  request: requestOrNone,
  place,
  named: bool,
})
