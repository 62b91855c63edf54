import { chunkBytes } from './added-bytes.ts'
import { isNamedAtOnce, isNamedBy, judgeCompaction, type Naming } from './compaction.ts'
import { released } from './epoch-state.ts'
import type { CheckpointOf, CompactRequest, CompactResult, NewChunk } from './log-store.ts'
import { placeOf } from './place.ts'
import { isOverQuota } from './quota.ts'
import type { SqliteCheckpoint } from './sqlite-checkpoint-rows.ts'
import type { StoredDocument } from './sqlite-rows.ts'
import { hashAfter, headRecord, refusal, type Tables } from './sqlite-tables.ts'
import { type AboutCheckpoint, checkpointOf } from './stored-checkpoint.ts'

// Chunks belong to nobody: no session may go on under their salt, not even the one that brought them.
const NO_SESSION = 0

/** The checkpoint of these chunks, at this place; undefined where its salt was used before, and then nothing is written. */
export function writeCheckpoint(
  { rows, checkpoints }: Tables,
  document: number,
  chunks: readonly [NewChunk, ...NewChunk[]],
  about: AboutCheckpoint,
): SqliteCheckpoint | undefined {
  const checkpoint = checkpointOf(chunks, about)
  const { salt, chunks: count, storedAtUnixMs: atUnixMs } = checkpoint
  const use = { salt, session: NO_SESSION, firstCounter: 1, count, lastSequence: 0, atUnixMs }
  return rows.useSalt(document, use) ? checkpoints.insert(document, checkpoint, chunks) : undefined
}

/** Stores a checkpoint as the newest of the head epoch, in the caller's transaction; refused, it has written nothing. */
export function compact(tables: Tables, request: CompactRequest): CompactResult {
  const { rows, checkpoints, pruning, now } = tables
  const { room, session, subject, sequence, hash, previous, chunks, quota } = request
  const document = rows.document(room)
  if (!document) return { stored: false, code: 'stale-epoch' }
  const { id, state, sole } = document
  const [{ epochIndex }] = chunks
  const newest = checkpoints.newest(id, state.head.index)
  const start = headRecord(tables, document).after
  const code = judgeCompaction(
    state,
    { session, epochIndex, sequence, hash, previous },
    { newest, start, hash: hashAfter(tables, document, sequence) },
    now(),
  )
  if (code) return { stored: false, ...refusal(tables, code, document) }
  const used = { documentBytes: document.bytes, tenantBytes: rows.tenantBytes(document.tenant) }
  if (isOverQuota(quota, used, chunkBytes(chunks))) return { stored: false, code: 'full' }
  const base = checkpoints.base(id, state.head.index)
  const isNamed = isNamedAtOnce(sole, subject, base?.sequence ?? start)
  const about = { epochIndex, sequence, hash, subject, isNamed, storedAtUnixMs: now() }
  const stored = writeCheckpoint(tables, id, chunks, about)
  if (!stored) return { stored: false, code: 'out-of-order' }
  if (newest && !newest.isNamed) {
    const draft = { kind: 'draft', checkpoint: newest.id, through: 0 } as const
    pruning.insertReplaced({ document: id, epochIndex, ...draft, atUnixMs: now() })
  }
  if (isNamed) replaceBase(tables, id, base, stored)
  rows.save(id, released(state, session))
  return { stored: true, place: placeOf(stored), isNamed }
}

/** An append of this subject names a checkpoint: the newest becomes the base, if it is that one and this counts. Undefined where it has no effect. */
export function name(tables: Tables, { id, state }: StoredDocument, naming: Naming): CheckpointOf | undefined {
  const { checkpoints, now } = tables
  const newest = checkpoints.newest(id, state.head.index)
  if (!newest || !isNamedBy(newest, naming, now())) return undefined
  const base = checkpoints.base(id, state.head.index)
  checkpoints.setNamed(newest.id)
  replaceBase(tables, id, base, newest)
  return { place: placeOf(newest), epochIndex: state.head.index }
}

/** What the new base covers is not needed any more, nor is the one before it. */
function replaceBase(
  { pruning, now }: Tables,
  document: number,
  former: SqliteCheckpoint | undefined,
  { epochIndex, sequence }: SqliteCheckpoint,
): void {
  const replaced = { kind: 'base', checkpoint: former?.id ?? 0, through: sequence } as const
  pruning.insertReplaced({ document, epochIndex, ...replaced, atUnixMs: now() })
}
