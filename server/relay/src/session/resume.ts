import { HASH_PREFIX_BYTES, type Join, startHash } from '@y-sealed/protocol'
import type { EpochRecord, LogHead, LogStore } from '../log/log-store.ts'

/** Where a joining client stands in the log as this relay has it. */
export interface Resumption {
  /** The client names a record that the log has, and its H at the cursor is the log's, within that record's epoch. */
  isConfirmed: boolean
  /** The record that it names, if the log has it. */
  held: EpochRecord | undefined
  /** Records that it lacks, oldest first. */
  records: EpochRecord[]
}

export async function resume(store: LogStore, join: Join): Promise<Resumption> {
  const { held, after: records } = await store.records(join.room, join.head)
  return { isConfirmed: await isConfirmed(store, join, held, records), held, records }
}

/**
 * After which sequence a session's delivery begins, and in which epoch: it is told of every later one in its place.
 * A member without a record that the log has can use nothing of the epochs before the head's: their content is in its
 * checkpoint. An observer reads all.
 */
export function startOf(join: Join, held: EpochRecord | undefined, records: readonly EpochRecord[], head: LogHead) {
  // A cursor beyond the log: the client is told that it is not confirmed, and reads what it wants.
  const cursor = Math.min(join.cursor, head.sequence)
  if (held) return { after: cursor, epochIndex: held.index }
  const newest = records.at(-1)
  if (!newest) return { after: cursor, epochIndex: -1 }
  if (!join.observe) return { after: Math.max(cursor, newest.after), epochIndex: newest.index }
  return { after: cursor, epochIndex: records.findLast(({ after }) => after <= cursor)?.index ?? -1 }
}

async function isConfirmed(
  store: LogStore,
  join: Join,
  held: EpochRecord | undefined,
  later: readonly EpochRecord[],
): Promise<boolean> {
  // Who has nothing claims nothing.
  if (!join.head) return join.cursor === 0 && join.hash.length === 0
  if (!held) return false
  // At an epoch's first cursor H is that of its start; the entry there, if any, belongs to the epoch before.
  if (join.cursor === held.after) return hasPrefix(startHash(held.hash), join.hash)
  const [next] = later
  if (join.cursor < held.after || (next && join.cursor > next.after)) return false
  const hash = await store.hashAt(join.room, join.cursor)
  return hash !== undefined && hasPrefix(hash, join.hash)
}

function hasPrefix(hash: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(hash.subarray(0, HASH_PREFIX_BYTES), prefix) === 0
}
