import type { Joined } from '@y-sealed/protocol'
import type { RecordsVerdict } from '../epoch/judge-records.ts'

type Next = Extract<RecordsVerdict, { is: 'next' }>

/** What this client brings to a join. */
export interface JoinClaim {
  /** It holds an epoch; its cursor is a place in that one's log. */
  readonly holdsEpoch: boolean
  readonly cursor: number
  /** Among the records shown is one that it holds: the relay does not know its newest, or it would have shown only later ones. */
  readonly showsHeld: boolean
}

/** What a relay's `joined` means (protocol §4, §6 "Rollback"). */
export type JoinVerdict =
  /** The relay holds what this device has read; what came since follows. */
  | { readonly does: 'go-on' }
  /** The document has no epoch yet: who may write opens one. */
  | { readonly does: 'open' }
  /** There are newer epochs. `isFork`: but not the log that was read here. */
  | { readonly does: 'take'; readonly records: Next; readonly isFork: boolean }
  /** It lacks some of it, under the same record: the log is read anew, and what is missing there is published again. */
  | { readonly does: 'rewind'; readonly message: string }
  /** It shows another document than the one this device knows: nothing is mixed, a person decides. */
  | { readonly does: 'hold'; readonly message: string }
  /** Its words contradict each other. */
  | { readonly does: 'distrust'; readonly message: string }

export function compareJoined(joined: Joined, records: RecordsVerdict, claim: JoinClaim): JoinVerdict {
  const { confirmed, hash } = joined
  const { holdsEpoch, cursor, showsHeld } = claim
  if (records.is === 'wrong')
    return { does: 'distrust', message: `the relay's epoch records do not fit: ${records.why}` }
  if (!holdsEpoch) return records.is === 'next' ? { does: 'take', records, isFork: false } : { does: 'open' }
  if (records.is === 'next') return { does: 'take', records, isFork: !confirmed && records.voids === 0 }
  if (records.is === 'unlinked' || showsHeld)
    return { does: 'hold', message: 'the relay shows another epoch than the one that this device holds' }
  if (confirmed) return { does: 'go-on' }
  // Under a record H is never empty, not even before its first entry.
  if (hash.length === 0) {
    return {
      does: 'hold',
      message: 'the relay shows no record of this document any more: what this device holds is kept',
    }
  }
  return { does: 'rewind', message: `the relay lacks what this device has read up to sequence ${cursor}` }
}
