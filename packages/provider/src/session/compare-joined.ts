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
  /** There are newer epochs, but not the log that was read here (`fork`), or not enough of it to tell (`unproven`). */
  | { readonly does: 'take'; readonly records: Next; readonly lacks: 'fork' | 'unproven' | undefined }
  /** It does not keep what comes behind the cursor: begins with its newest checkpoint, under the same record. */
  | { readonly does: 'reload' }
  /** It lacks some of it, under the same record: the log is read anew, and what is missing there is published again. */
  | { readonly does: 'rewind'; readonly message: string }
  /** It shows another document than the one this device knows: nothing is mixed, a person decides. */
  | { readonly does: 'hold'; readonly message: string }
  /** Its words contradict each other. */
  | { readonly does: 'distrust'; readonly message: string }

export function compareJoined(joined: Joined, records: RecordsVerdict, claim: JoinClaim): JoinVerdict {
  const { confirmed, hash, pruned, sequence, newest } = joined
  const { holdsEpoch, cursor, showsHeld } = claim
  if (records.is === 'wrong')
    return { does: 'distrust', message: `the relay's epoch records do not fit: ${records.why}` }
  if (!holdsEpoch) return records.is === 'next' ? { does: 'take', records, lacks: undefined } : { does: 'open' }
  if (pruned > sequence)
    return {
      does: 'distrust',
      message: `the relay has pruned through sequence ${pruned}, and its log ends at ${sequence}`,
    }
  if (confirmed && cursor > sequence)
    return {
      does: 'distrust',
      message: `the relay confirms sequence ${cursor}, and its log ends at ${sequence}`,
    }
  const isPruned = cursor < pruned
  if (records.is === 'next') {
    if (records.voids > 0 || (confirmed && !isPruned)) return { does: 'take', records, lacks: undefined }
    return { does: 'take', records, lacks: isPruned ? 'unproven' : 'fork' }
  }
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
  // A checkpoint behind the place of this device says that the log went on from there.
  if (isPruned && newest !== undefined && newest.sequence >= pruned) return { does: 'reload' }
  return { does: 'rewind', message: `the relay lacks what this device has read up to sequence ${cursor}` }
}
