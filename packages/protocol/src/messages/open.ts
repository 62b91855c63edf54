import { channel, hash8, hash32, optional, request, sequence, varBytes } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_RECORD_BYTES } from '../limits.ts'
import { type Entry, entries } from './entry.ts'

/**
 * Opens an epoch and stores its first entries (staged ones before these), all or nothing, and only if the head record
 * is still the one named: of two that open epoch 0 at once, one gets `opened` and the other `refused`, `stale-epoch`.
 */
export interface Open {
  readonly type: 'open'
  readonly channel: number
  readonly request: number
  readonly record: Uint8Array
  /** recordHash (32 bytes) of the head that it replaces; absent = the document has no epoch yet. */
  readonly previous?: Uint8Array
  readonly envelopes: Entry[]
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

export const open = defineMessage<Open>('open', 0x15, {
  channel,
  request,
  record,
  previous: optional(hash32),
  envelopes: entries(0),
})

export const opened = defineMessage<Opened>('opened', 0x47, {
  channel,
  request,
  record,
  sequence,
  hash: hash8,
})

export const newRecord = defineMessage<NewRecord>('record', 0x48, { channel, record, sequence, hash: hash8 })
