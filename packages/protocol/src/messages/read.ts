import type { Field } from '../codec/field.ts'
import { channel, hash8, hash8OrEmpty, request, requestOrNone, sequence, uint } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { blocks, type Entry, entries, entryCount } from './entry.ts'

/**
 * Reads the log again from `after` + 1, the session's own entries included: `entries` as needed, then `caught-up`.
 * With `to` 0 through the head: live delivery goes back to there. Else through `to` and no further, beside live delivery.
 * Or `refused`, `pruned`: some of it is not kept any more.
 */
export interface Read {
  readonly type: 'read'
  readonly channel: number
  /** From 1: `caught-up` with request 0 is the one of the join. */
  readonly request: number
  readonly after: number
  /** The last sequence wanted, at least `after`; 0 = the head, and live again. */
  readonly to: number
}

/** Consecutive entries of the log. */
export interface Entries<Content = Entry[]> {
  readonly type: 'entries'
  readonly channel: number
  /** Sequence of the first; the others follow without a gap. */
  readonly first: number
  /** The first 8 bytes of H before the first. */
  readonly hashBefore: Uint8Array
  readonly entries: Content
}

/** Every entry through `sequence` has been sent. For a `read` with `to`: through `to`, or the head where that is less. */
export interface CaughtUp {
  readonly type: 'caught-up'
  readonly channel: number
  /** The `read` that this ends, or 0 after a join. */
  readonly request: number
  readonly sequence: number
  /** The first 8 bytes of H there (with `to`: after that entry); empty where there is none. */
  readonly hash: Uint8Array
}

export const read = defineMessage<Read>(
  'read',
  0x16,
  { channel, request, after: sequence, to: sequence },
  ({ after, to }) => (to > 0 && to < after ? `expected to 0 or at least ${after}, got ${to}` : undefined),
)

const entriesOf = <Content>(entries: Field<Content>, countOf: (entries: Content) => number) =>
  defineMessage<Entries<Content>>(
    'entries',
    0x43,
    { channel, first: uint(1, Number.MAX_SAFE_INTEGER), hashBefore: hash8, entries },
    ({ first, entries }) =>
      Number.isSafeInteger(first + (countOf(entries) - 1)) ? undefined : 'expected sequences below 2^53',
  )

export const entriesMessage = entriesOf(entries(1), ({ length }) => length)
export const entriesBlocks = entriesOf(blocks(1), entryCount)

export const caughtUp = defineMessage<CaughtUp>('caught-up', 0x44, {
  channel,
  request: requestOrNone,
  sequence,
  hash: hash8OrEmpty,
})
