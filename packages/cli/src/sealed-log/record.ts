import { type EpochRecord, parseEpochRecord } from 'y-sealed/observe'
import { malformed } from './malformed.ts'

/** An epoch record as the relay or a file shows it. Throws Failure `malformed`. */
export function parseRecord(record: Uint8Array): EpochRecord {
  try {
    return parseEpochRecord(record)
  } catch {
    throw malformed('an epoch record that is none')
  }
}
