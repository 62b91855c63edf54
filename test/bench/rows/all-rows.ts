import { browserCheckpointRow, browserRow } from './browser.ts'
import { coldOpenRow } from './cold-open.ts'
import { countingCheckRow } from './counting-check.ts'
import { crowdRow } from './crowd.ts'
import { diskRow } from './disk.ts'
import { envelopeBytesRow } from './envelope-bytes.ts'
import { killRow } from './kill.ts'
import { memoryRows } from './memory.ts'
import { providerLatencyRows } from './provider-latency.ts'
import { providerLoadRow } from './provider-load.ts'
import { relayLatencyRows } from './relay-latency.ts'
import { relayLoadRows } from './relay-load.ts'
import type { Row } from './row.ts'

/** In the order in which they are run and shown. */
export const allRows: readonly Row[] = [
  countingCheckRow,
  ...relayLoadRows,
  providerLoadRow,
  diskRow,
  ...relayLatencyRows,
  ...providerLatencyRows,
  envelopeBytesRow,
  coldOpenRow,
  crowdRow,
  ...memoryRows,
  killRow,
  browserRow,
  browserCheckpointRow,
]
