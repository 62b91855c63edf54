import type { LogHead, Standing, Usage } from './log-store.ts'
import { sameHash } from './record-hash.ts'

export const NO_USAGE: Usage = {
  ...{ entries: 0, entryBytes: 0, checkpointBytes: 0 },
  ...{ historyEntries: 0, historyBytes: 0, records: 0 },
}

/** What a store has counted of a room. */
export interface Counted {
  /** Of the newest entry. */
  sequence: number
  /** Of all runs that are kept. */
  allEntries: number
  allBytes: number
  /** Of those that end after the tail's start. */
  tailBytes: number
  /** Of all checkpoints. */
  allChunkBytes: number
  records: number
}

/** The sequence after which the entries count that a reader needs beside the base. */
export function tailStart({ record }: LogHead, { base }: Standing): number {
  return base?.sequence ?? record?.after ?? 0
}

/** `start`: that of the tail. */
export function usageOf({ newest, base }: Standing, start: number, counted: Counted): Usage {
  const entries = counted.sequence - start
  const isBase = sameHash(newest?.checkpoint, base?.checkpoint)
  const checkpointBytes = (base?.bytes ?? 0) + (isBase ? 0 : (newest?.bytes ?? 0))
  return {
    entries,
    entryBytes: counted.tailBytes,
    checkpointBytes,
    historyEntries: counted.allEntries - entries,
    historyBytes: counted.allBytes - counted.tailBytes + counted.allChunkBytes - checkpointBytes,
    records: counted.records,
  }
}
