import type { Field } from '../codec/field.ts'
import { channel, hash8, hash32, optional, request, sequence, varBytes } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_RECORD_BYTES } from '../limits.ts'
import { block, type Entry, entries } from './entry.ts'

/**
 * Opens an epoch and stores its checkpoint and first entries (staged ones before these), all or nothing, and only if the
 * head record, the log's last sequence and H there are still those named: of two that open epoch 0 at once, one gets
 * `opened` and the other `refused`, `stale-epoch`. Replacing a record needs the lease, and then has the lease's number.
 */
export interface Open<Entries = Entry[]> {
  readonly type: 'open'
  readonly channel: number
  readonly request: number
  readonly record: Uint8Array
  /** recordHash (32 bytes) of the head that it replaces; absent = the document has no epoch yet. */
  readonly previous?: Uint8Array
  /** The last sequence of the log that the opener carries over; 0 where `previous` is absent. */
  readonly sequence: number
  /** H there, whole (32 bytes); absent exactly where `previous` is. */
  readonly hash?: Uint8Array
  /** Hash (32 bytes) of the staged checkpoint; absent = none is staged. The relay compares it with what it holds. */
  readonly checkpoint?: Uint8Array
  readonly envelopes: Entries
}

/** To the opener, after the commit. */
export interface Opened {
  readonly type: 'opened'
  readonly channel: number
  readonly request: number
  readonly record: Uint8Array
  /** The last sequence of the log with the request's entries in it. */
  readonly sequence: number
  /** The first 8 bytes of H there. */
  readonly hash: Uint8Array
}

/** To the others of the room: somebody opened an epoch. Its entries follow as `entries`. */
export interface NewRecord {
  readonly type: 'record'
  readonly channel: number
  readonly record: Uint8Array
  /** The last sequence before the new epoch's first entry. */
  readonly sequence: number
  /** The first 8 bytes of H at the start of the new epoch. */
  readonly hash: Uint8Array
}

const record = varBytes(1, MAX_RECORD_BYTES)

const openOf = <Entries>(envelopes: Field<Entries>) =>
  defineMessage<Open<Entries>>(
    'open',
    0x15,
    {
      channel,
      request,
      record,
      previous: optional(hash32),
      sequence,
      hash: optional(hash32),
      checkpoint: optional(hash32),
      envelopes,
    },
    ({ previous, sequence, hash }) => {
      if ((previous === undefined) !== (hash === undefined)) return 'expected previous and hash, or neither'
      return previous === undefined && sequence > 0
        ? `expected sequence 0 without previous, got ${sequence}`
        : undefined
    },
  )

export const open = openOf(entries(0))
export const openBlock = openOf(block(0))

export const opened = defineMessage<Opened>('opened', 0x47, {
  channel,
  request,
  record,
  sequence,
  hash: hash8,
})

export const newRecord = defineMessage<NewRecord>('record', 0x48, { channel, record, sequence, hash: hash8 })
