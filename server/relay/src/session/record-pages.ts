import { MAX_RECORDS } from '@y-sealed/protocol'
import type { EpochRecord } from '../log/log-store.ts'

// As much as one read of the log. Half of MAX_RECORDS: epochs that are opened meanwhile join the last page.
const PAGE_BYTES = 256 * 1024
const PAGE_RECORDS = MAX_RECORDS / 2

/** Records as messages can carry them, oldest first; the last page goes into `joined` and may be empty. */
export function pageRecords(records: readonly EpochRecord[]): EpochRecord[][] {
  const pages: EpochRecord[][] = []
  let page: EpochRecord[] = []
  let bytes = 0
  for (const record of records) {
    bytes += record.bytes.length
    if (page.length === PAGE_RECORDS || bytes > PAGE_BYTES) {
      pages.push(page)
      page = []
      bytes = record.bytes.length
    }
    page.push(record)
  }
  return [...pages, page]
}
