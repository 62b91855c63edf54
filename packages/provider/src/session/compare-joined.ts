import type { Joined } from '@y-sealed/protocol'

/** What a relay's `joined` means for a client that has been here before (protocol §6 "Rollback"). */
export type JoinVerdict =
  /** The relay holds what this device has read; what came since follows. */
  | { readonly does: 'go-on' }
  /** It lacks some of it, under the same record: the log is read anew, and what is missing there is published again. */
  | { readonly does: 'rewind'; readonly message: string }
  /** It shows another document than the one this device knows: nothing is mixed, a person decides. */
  | { readonly does: 'halt'; readonly code: 'stale-epoch' | 'rollback'; readonly message: string }

export const NEWER_EPOCH = 'the document has a newer epoch than this version reads'

export function compareJoined({ confirmed, records, hash }: Joined, cursor: number): JoinVerdict {
  if (confirmed)
    return records.length === 0 ? { does: 'go-on' } : { does: 'halt', code: 'stale-epoch', message: NEWER_EPOCH }
  if (records.length > 0) {
    return {
      does: 'halt',
      code: 'rollback',
      message: 'the relay shows another epoch record than the one this device holds',
    }
  }
  // Under a record H is never empty, not even before its first entry.
  if (hash.length === 0) {
    const message = 'the relay shows no record of this document any more: what this device holds is kept'
    return { does: 'halt', code: 'rollback', message }
  }
  return { does: 'rewind', message: `the relay lacks what this device has read up to sequence ${cursor}` }
}
