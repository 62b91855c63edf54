import type { EpochRecord } from './log-store.ts'
import { sameHash } from './record-hash.ts'

/** Of all records of a log, oldest first, the one with this hash and those after it; all, where there is none such. */
export function recordsAfter(
  all: EpochRecord[],
  hash: Uint8Array | undefined,
): { held?: EpochRecord; after: EpochRecord[] } {
  const place = hash ? all.findIndex((record) => sameHash(record.hash, hash)) : -1
  const held = all[place]
  return held ? { held, after: all.slice(place + 1) } : { after: all }
}
