import { BROWSER_ENTRIES, CHROMIUM } from '../rows/browser.ts'
import type { Row } from '../rows/row.ts'
import { WEAKLY_DURABLE } from '../rows/timed-subject.ts'
import { format, formatSigned } from './cells.ts'
import { type FigureOf, figureOf, type Results } from './results.ts'

/** What parts of the shortfalls no code of ours could make smaller, from the same run: the disk's part, and that of the browser's crypto. */
export function floors(results: Results, rows: readonly Row[]): string[] {
  const figure = figureOf(results, rows)
  return [...disk(figure), ...browserCrypto(figure)]
}

/** An entry is delivered when it is on the disk, which in these rows no peer waits for. */
function disk(figure: FigureOf): string[] {
  const fsyncMs = figure('disk', 'fsync', 'p50Ms')
  const [toOne, toMany] = [1, 20].map((readers) => withoutDisk(figure, `latency-1-to-${readers}`))
  if (fsyncMs === undefined || toOne === undefined || toMany === undefined) return []
  const without = `(\`--durability os\`) the rows of raw clients are ${toOne} to one client and ${toMany} to twenty`
  return [
    `Of a keystroke's way ${format(fsyncMs, 2)} ms are one fsync of this machine's disk (row \`disk\`): y-sealed delivers what is durable, the peers what is in memory. Without it ${without}.`,
  ]
}

function withoutDisk(figure: FigureOf, row: string): string | undefined {
  const [ours, theirs] = [WEAKLY_DURABLE, 'y-websocket'].map((subject) => ({
    p50Ms: figure(row, subject, 'p50Ms'),
    p99Ms: figure(row, subject, 'p99Ms'),
  }))
  if (ours?.p50Ms === undefined || theirs?.p50Ms === undefined) return undefined
  if (ours.p99Ms === undefined || theirs.p99Ms === undefined) return undefined
  return `${formatSigned(ours.p50Ms - theirs.p50Ms, 2)} ms (p99 ${format(ours.p99Ms / theirs.p99Ms, 2)} ×)`
}

/** Each entry was sealed on its own, so each is opened by a call of its own. */
function browserCrypto(figure: FigureOf): string[] {
  const openedPerSecond = figure('browser', CHROMIUM, 'openedPerSecond')
  const plainMs = figure('browser', CHROMIUM, 'plainMs')
  if (openedPerSecond === undefined || plainMs === undefined) return []
  const cryptoMs = (BROWSER_ENTRIES / openedPerSecond) * 1e3
  return [
    `Opening ${BROWSER_ENTRIES.toLocaleString('en')} envelopes and nothing else takes Chromium ${format(cryptoMs, 0)} ms (row \`browser\`), which alone is ${format(cryptoMs / plainMs, 2)} × plain Yjs.`,
  ]
}
