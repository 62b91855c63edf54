import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { percentile } from '../report/statistics.ts'
import { makeScratchFolder, removeScratchFolder } from '../servers/scratch-folder.ts'
import type { Bench, Figures, Row } from './row.ts'

// What SQLite writes for a small commit: a page and the head of its frame.
const COMMIT_BYTES = 4096 + 24
const COMMITS = 200
const SAMPLE_COMMITS = 5
// Not back to back: a disk that is kept busy is quicker than one that is waited for.
const EVERY_MS = 20

/** What no server can be quicker than that says `saved` only of what is on the disk. */
export const diskRow: Row = {
  name: 'disk',
  title: 'the disk alone: what a durable commit waits for',
  note: `${COMMIT_BYTES.toLocaleString('en')} bytes are appended to a file, which is then synchronised (fsync): one such journey lies in each durable ack, and in each delivery of what is durable.`,
  metrics: [
    { key: 'p50Ms', label: 'p50 ms', digits: 2 },
    { key: 'p99Ms', label: 'p99 ms', digits: 2 },
  ],
  goals: [],
  subjects: (bench) => [{ name: 'fsync', measure: () => measureDisk(bench) }],
}

async function measureDisk({ isSample }: Bench): Promise<Figures> {
  const folder = makeScratchFolder('disk')
  const file = openSync(join(folder, 'commits'), 'a')
  try {
    const commit = Buffer.alloc(COMMIT_BYTES, 1)
    const tookMs: number[] = []
    for (let i = 0; i < (isSample ? SAMPLE_COMMITS : COMMITS); i++) {
      const startMs = performance.now()
      writeSync(file, commit)
      fsyncSync(file)
      tookMs.push(performance.now() - startMs)
      await after(EVERY_MS)
    }
    return { p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) }
  } finally {
    closeSync(file)
    removeScratchFolder(folder)
  }
}
