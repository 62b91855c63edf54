import { type RecordLinks, recordLinks } from '@y-sealed/protocol'
import type { EpochRecord } from '../log/log-store.ts'
import { sameHash } from '../log/record-hash.ts'
import { DamageFound } from './damage.ts'

/**
 * Compares what each record says of the one before it with the log: where it follows that one, it names the last sequence and H there.
 * A record may pass over one whose key was lost, and what is no record was stored as it came: both are the members' business. Throws DamageFound.
 */
export function checkLinks(records: readonly EpochRecord[], ends: ReadonlyMap<number, Uint8Array>): void {
  for (const [i, record] of records.entries()) {
    const before = records[i - 1]
    const links = linksOf(record)
    if (!before || !links || !sameHash(links.prevRecord, before.hash)) continue
    const end = ends.get(before.index)
    if (links.prevSequence !== record.after || (end && !sameHash(links.prevHash, end))) {
      throw new DamageFound(record.after, `the record of epoch ${record.index} carries over another log`)
    }
  }
}

function linksOf({ bytes }: EpochRecord): RecordLinks | undefined {
  try {
    return recordLinks(bytes)
  } catch {
    return undefined
  }
}
