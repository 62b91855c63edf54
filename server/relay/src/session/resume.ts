import { HASH_PREFIX_BYTES, type Join, startHash } from '@y-sealed/protocol'
import type { EpochRecord, LogHead, LogStore, Standing } from '../log/log-store.ts'

/** Where a joining client stands in the log as this relay has it. */
export interface Resumption {
  /** The client names a record that the log has, and its H at the cursor is the log's, within that record's epoch. */
  isConfirmed: boolean
  /** The record that it names, if the log has it. */
  held: EpochRecord | undefined
  /** Records that it lacks, oldest first. */
  records: EpochRecord[]
  standing: Standing
}

export async function resume(store: LogStore, join: Join): Promise<Resumption> {
  const { held, after: records } = await store.records(join.room, join.head)
  const standing = await store.standing(join.room)
  return { isConfirmed: await isConfirmed(store, join, { held, records, standing }), held, records, standing }
}

/**
 * After which sequence a session's delivery begins, and in which epoch: it is told of every later one in its place.
 * A member without a record that the log has can use nothing of what stands before the newest checkpoint, and one whose
 * cursor was pruned cannot be served from there. An observer gets all that is kept.
 */
export function startOf(
  join: Join,
  { held, records, standing }: Pick<Resumption, 'held' | 'records' | 'standing'>,
  head: LogHead,
): { after: number; epochIndex: number } {
  // A cursor beyond the log: the client is told that it is not confirmed, and reads what it wants.
  const cursor = Math.min(join.cursor, head.sequence)
  const { pruned, newest } = standing
  if (held && join.cursor >= pruned) return { after: cursor, epochIndex: held.index }
  const all = held ? [held, ...records] : records
  const last = all.at(-1)
  if (!last) return { after: cursor, epochIndex: -1 }
  if (join.observe) {
    const after = Math.max(cursor, pruned)
    return { after, epochIndex: all.findLast((record) => record.after <= after)?.index ?? -1 }
  }
  return { after: Math.max(cursor, newest?.sequence ?? 0, last.after), epochIndex: last.index }
}

async function isConfirmed(
  store: LogStore,
  join: Join,
  { held, records, standing }: Pick<Resumption, 'held' | 'records' | 'standing'>,
): Promise<boolean> {
  // Who has nothing claims nothing.
  if (!join.head) return join.cursor === 0 && join.hash.length === 0
  if (!held || join.cursor < standing.pruned) return false
  // At an epoch's first cursor H is that of its start; the entry there, if any, belongs to the epoch before.
  if (join.cursor === held.after) return hasPrefix(startHash(held.hash), join.hash)
  const [next] = records
  if (join.cursor < held.after || (next && join.cursor > next.after)) return false
  const hash = await store.hashAt(join.room, join.cursor)
  return hash !== undefined && hasPrefix(hash, join.hash)
}

function hasPrefix(hash: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(hash.subarray(0, HASH_PREFIX_BYTES), prefix) === 0
}
