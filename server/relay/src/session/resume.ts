import { HASH_PREFIX_BYTES, type Join, startHash } from '@y-sealed/protocol'
import type { EpochRecord, LogStore } from '../log/log-store.ts'

/** Where a joining client stands in the log as this relay has it. */
export interface Resumption {
  /** The client names a record that the log has, and its H at the cursor is the log's. */
  isConfirmed: boolean
  /** Records that the client lacks, oldest first. */
  records: EpochRecord[]
  /** Index of the newest record that it has, without those; -1 = none. */
  heldIndex: number
}

export async function resume(store: LogStore, join: Join): Promise<Resumption> {
  const { held, after } = await store.records(join.room, join.head)
  return { isConfirmed: await isConfirmed(store, join, held), records: after, heldIndex: held?.index ?? -1 }
}

async function isConfirmed(store: LogStore, join: Join, held: EpochRecord | undefined): Promise<boolean> {
  // Who has nothing claims nothing.
  if (!join.head) return join.cursor === 0 && join.hash.length === 0
  if (!held) return false
  // At an epoch's first cursor H is that of its start; the entry there, if any, belongs to the epoch before.
  if (join.cursor === held.after && hasPrefix(startHash(held.hash), join.hash)) return true
  const hash = await store.hashAt(join.room, join.cursor)
  return hash !== undefined && hasPrefix(hash, join.hash)
}

function hasPrefix(hash: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(hash.subarray(0, HASH_PREFIX_BYTES), prefix) === 0
}
