import { startHash } from '@y-sealed/protocol'
import { chunkBytes, runBytes } from './added-bytes.ts'
import { writtenBy } from './compaction.ts'
import { appended, type EpochState, judgeAppend, judgeOpen, opened } from './epoch-state.ts'
import type { AppendRequest, AppendResult, Commit, EpochRecord, NewRun, OpenRequest } from './log-store.ts'
import { placeOf } from './place.ts'
import { isOverQuota } from './quota.ts'
import { chainHash } from './run-chain.ts'
import { name, writeCheckpoint } from './sqlite-compacting.ts'
import type { StoredDocument } from './sqlite-rows.ts'
import { refusal, type Tables } from './sqlite-tables.ts'
import { firstOf } from './stored-checkpoint.ts'

interface Author {
  session: number
  subject: string
}

/** Appends in the caller's transaction. A single run that is refused has written nothing. */
export function append(tables: Tables, request: AppendRequest): AppendResult {
  const { room, subject, runs, names, quota } = request
  const document = tables.rows.document(room)
  if (!document) return { stored: false, code: 'stale-epoch' }
  const code = judgeAppend(document.state, runs, tables.now())
  if (code) return { stored: false, ...refusal(tables, code, document) }
  if (isOverQuota(quota, usedBy(tables, document), runBytes(runs))) return { stored: false, code: 'full' }
  const commit = writeRuns(tables, document, request, runs)
  if (!commit) return { stored: false, code: 'out-of-order' }
  const named = names && name(tables, document, { ...names, subject })
  return { stored: true, commit: { ...commit, ...(named && { named }) } }
}

/** Opens an epoch in the caller's transaction; where that is refused, the caller undoes what was written. */
export function open(tables: Tables, request: OpenRequest): AppendResult {
  const { room, session, runs, record, replaces, chunks, quota, tenant } = request
  const { rows, pruning, deleted, now } = tables
  const document = rows.document(room)
  // Somebody who was about to make it, while an operator deleted it.
  if (!document && deleted.has(room)) return { stored: false, code: 'stale-epoch' }
  const code = judgeOpen(document?.state, { session, record, replaces }, now())
  if (code) return { stored: false, ...refusal(tables, code, document) }
  const added = runBytes(runs) + chunkBytes(chunks)
  const used = document ? usedBy(tables, document) : { documentBytes: 0, tenantBytes: rows.tenantBytes(tenant) }
  if (isOverQuota(quota, used, added)) return { stored: false, code: 'full' }
  const state = opened(document?.state, record, startHash(record.hash))
  const id = document?.id ?? rows.insertDocument(room, state, tenant)
  if (document) {
    const epoch = { epochIndex: document.state.head.index, kind: 'epoch', checkpoint: 0, through: 0 } as const
    pruning.insertReplaced({ document: id, ...epoch, atUnixMs: now() })
  }
  const epoch: EpochRecord = { ...record, after: state.sequence }
  rows.insertRecord(id, epoch, now())
  const [first, ...others] = chunks
  const checkpoint = first && writeCheckpoint(tables, id, [first, ...others], firstOf(epoch, now()))
  if (first && !checkpoint) return { stored: false, code: 'out-of-order' }
  const sole = document?.sole ?? { subject: undefined, since: 0 }
  const commit = writeRuns(tables, { id, state, sole }, request, runs)
  if (!commit) return { stored: false, code: 'out-of-order' }
  const place = checkpoint && { checkpoint: placeOf(checkpoint) }
  return { stored: true, commit: { ...commit, opened: { ...epoch, ...place } } }
}

/** Stores the runs behind the head; undefined where one may not be stored, and then the caller undoes the others. */
function writeRuns(
  { rows, now }: Tables,
  { id, state: before, sole }: Pick<StoredDocument, 'id' | 'state' | 'sole'>,
  { session, subject }: Author,
  runs: readonly NewRun[],
): Commit | undefined {
  let lastSequence = before.sequence
  const atUnixMs = now()
  for (const { salt, firstCounter, count } of runs) {
    lastSequence += count
    if (!rows.useSalt(id, { salt, session, firstCounter, count, lastSequence, atUnixMs })) return undefined
  }
  let state: EpochState = before
  const stored = runs.map(({ count, epochIndex, body, leaves }) => {
    const run = { first: state.sequence + 1, count, epochIndex, hashBefore: state.hash, body }
    rows.insertRun(id, run)
    state = appended(state, count, chainHash(state.hash, leaves))
    return run
  })
  rows.save(id, state)
  const written = stored.length > 0 ? writtenBy(sole, subject, before.sequence) : sole
  if (written !== sole) rows.saveSole(id, written)
  return { runs: stored, sequence: state.sequence, hash: state.hash }
}

/** What counts against the quotas of a document. */
function usedBy({ rows }: Tables, { bytes, tenant }: StoredDocument) {
  return { documentBytes: bytes, tenantBytes: rows.tenantBytes(tenant) }
}
