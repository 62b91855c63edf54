import { MAX_PLACES } from '@y-sealed/protocol'
import { EMPTY_HEAD } from './empty-head.ts'
import type { LogHead, Standing, StoredRun, WantedChunks } from './log-store.ts'
import { placeOf, standingOf } from './place.ts'
import { recordsAfter } from './records-after.ts'
import { runAfter } from './run-chain.ts'
import { headRecord, type Tables } from './sqlite-tables.ts'

export function readHead(tables: Tables, room: string): LogHead {
  const document = tables.rows.document(room)
  if (!document) return EMPTY_HEAD
  const { sequence, hash } = document.state
  return { sequence, hash, record: headRecord(tables, document) }
}

export function readStanding({ rows, checkpoints, pruning }: Tables, room: string): Standing {
  const document = rows.document(room)
  if (!document) return { pruned: 0 }
  const { id, state } = document
  const newest = checkpoints.newest(id, state.head.index)
  const base = checkpoints.base(id, state.head.index)
  return standingOf(pruning.highest(id), newest, base)
}

export function readPlaces({ rows, checkpoints }: Tables, room: string, recordHash: Uint8Array) {
  const document = rows.document(room)
  const record = document && rows.recordNamed(document.id, recordHash)
  return record && checkpoints.ofEpoch(document.id, record.index, MAX_PLACES).reverse().map(placeOf)
}

export function readChunks({ rows, checkpoints }: Tables, room: string, hash: Uint8Array, wanted: WantedChunks) {
  const document = rows.document(room)
  const checkpoint = document && checkpoints.called(document.id, hash)
  if (!checkpoint) return undefined
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (const { envelope } of checkpoints.chunks(checkpoint.id, wanted.first, wanted.last)) {
    chunks.push(envelope)
    bytes += envelope.length
    if (bytes >= wanted.maxBytes) break
  }
  return chunks.length > 0 ? { total: checkpoint.chunks, chunks } : undefined
}

/** Runs without a gap between them; the first begins after `after` + 1 where what stood there is gone. */
export function readRuns({ rows }: Tables, room: string, after: number, maxBytes: number): StoredRun[] {
  const document = rows.document(room)
  if (!document || after >= document.state.sequence) return []
  const holder = rows.runWith(document.id, after + 1)
  const runs: StoredRun[] = []
  let bytes = 0
  for (const run of rows.runsFrom(document.id, holder?.first ?? 1)) {
    const last = runs.at(-1)
    if (last && run.first !== last.first + last.count) break
    // The last one before a gap is found where the one in the gap is looked for.
    if (run.first + run.count - 1 <= after) continue
    runs.push(runAfter(run, after))
    bytes += run.body.length
    if (bytes >= maxBytes) break
  }
  return runs
}

export function isWhole({ rows, pruning }: Tables, room: string, after: number, through: number): boolean {
  const document = rows.document(room)
  return !document || !pruning.hasGap(document.id, after, through)
}

export function readRecords({ rows }: Tables, room: string, held: Uint8Array | undefined) {
  const document = rows.document(room)
  return recordsAfter(document ? rows.records(document.id) : [], held)
}
