import type { Field } from '../codec/field.ts'
import { channel, hash8, hash32, optional, request, uint } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { block, type Entry, entries } from './entry.ts'

/**
 * Entries of a request that is too large for one frame. The relay holds them until the `append` or `open` of the same
 * request; a `stage`, `append` or `open` of another, a refusal and the end of the channel discard them. What is staged
 * under the number of the session's `lease` is kept apart from that, lasts as long as the lease, and may hold the
 * chunks of a checkpoint (kind 2, counters from 1 under one salt). Answered by `staged` or `refused`.
 */
export interface Stage<Entries = Entry[]> {
  readonly type: 'stage'
  readonly channel: number
  readonly request: number
  readonly envelopes: Entries
}

/** Stores what is staged under this request and then these, all or nothing. Answered by `ack` or `refused`. */
export interface Append<Entries = Entry[]> {
  readonly type: 'append'
  readonly channel: number
  readonly request: number
  /**
   * The checkpoint (32 bytes) that a witness among these entries names: what the witness says is sealed, and the relay
   * has to know which checkpoint may stand for the log before it. It counts only with the commit.
   */
  readonly names?: Uint8Array
  /** May be empty where something is staged. */
  readonly envelopes: Entries
}

/** Held, not stored. */
export interface Staged {
  readonly type: 'staged'
  readonly channel: number
  readonly request: number
}

/** Durable: said only after the commit. The relay does not send a session its own entries; the ack stands for them. */
export interface Ack {
  readonly type: 'ack'
  readonly channel: number
  readonly request: number
  /** Of the last entry of the request; the first has sequence - count + 1. */
  readonly sequence: number
  readonly count: number
  /** The first 8 bytes of H after the last entry. */
  readonly hash: Uint8Array
}

const stageOf = <Entries>(envelopes: Field<Entries>) =>
  defineMessage<Stage<Entries>>('stage', 0x13, { channel, request, envelopes })

export const stage = stageOf(entries(1))
export const stageBlock = stageOf(block(1))

const appendOf = <Entries>(envelopes: Field<Entries>) =>
  defineMessage<Append<Entries>>('append', 0x14, { channel, request, names: optional(hash32), envelopes })

export const append = appendOf(entries(0))
export const appendBlock = appendOf(block(0))

export const staged = defineMessage<Staged>('staged', 0x45, { channel, request })

export const ack = defineMessage<Ack>(
  'ack',
  0x46,
  {
    channel,
    request,
    sequence: uint(1, Number.MAX_SAFE_INTEGER),
    count: uint(1, Number.MAX_SAFE_INTEGER),
    hash: hash8,
  },
  ({ sequence, count }) => (count > sequence ? `expected at most ${sequence} entries, got ${count}` : undefined),
)
