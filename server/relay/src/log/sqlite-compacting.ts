import { checkpointHash, startHash } from '@y-sealed/protocol'
import { isNamedAtOnce, judgeCompaction, mayName } from './compaction.ts'
import { released } from './epoch-state.ts'
import type { CheckpointOf, CompactRequest, CompactResult, EpochRecord, NewChunk } from './log-store.ts'
import { placeOf } from './place.ts'
import { isOverQuota } from './quota.ts'
import type { NewCheckpoint, StoredCheckpoint } from './sqlite-checkpoint-rows.ts'
import type { StoredDocument } from './sqlite-rows.ts'
import { hashAfter, headRecord, refusal, type Tables } from './sqlite-tables.ts'

// Chunks belong to nobody: no session may go on under their salt, not even the one that brought them.
const NO_SESSION = 0

/** The checkpoint of these chunks, at this place; undefined where its salt was used before, and then nothing is written. */
function write(
  { rows, checkpoints, now }: Tables,
  document: number,
  chunks: readonly [NewChunk, ...NewChunk[]],
  about: Pick<NewCheckpoint, 'epochIndex' | 'sequence' | 'hash' | 'subject' | 'isNamed'>,
): StoredCheckpoint | undefined {
  const [{ salt }] = chunks
  const storedAtUnixMs = now()
  const use = { session: NO_SESSION, firstCounter: 1, count: chunks.length, lastSequence: 0, atUnixMs: storedAtUnixMs }
  if (!rows.useSalt(document, { salt, ...use })) return undefined
  const envelopes = chunks.map(({ envelope }) => envelope)
  const checkpoint = checkpointHash(chunks.map(({ hash }) => hash))
  const bytes = envelopes.reduce((sum, { length }) => sum + length, 0)
  return checkpoints.insert(document, { ...about, checkpoint, bytes, salt, storedAtUnixMs }, envelopes)
}

/** The checkpoint with which an epoch begins; undefined where its salt was used before. */
export function writeFirstCheckpoint(
  tables: Tables,
  document: number,
  { index, hash, after }: EpochRecord,
  chunks: readonly [NewChunk, ...NewChunk[]],
): StoredCheckpoint | undefined {
  const place = { epochIndex: index, sequence: after, hash: startHash(hash) }
  return write(tables, document, chunks, { ...place, subject: '', isNamed: true })
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
  const added = chunks.reduce((sum, { envelope }) => sum + envelope.length, 0)
  const used = { documentBytes: document.bytes, tenantBytes: rows.tenantBytes(document.tenant) }
  if (isOverQuota(quota, used, added)) return { stored: false, code: 'full' }
  const base = checkpoints.base(id, state.head.index)
  const isNamed = isNamedAtOnce(sole, subject, base?.sequence ?? start)
  const stored = write(tables, id, chunks, { epochIndex, sequence, hash, subject, isNamed })
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
export function name(
  tables: Tables,
  { id, state }: StoredDocument,
  named: { readonly checkpoint: Uint8Array; readonly subject: string; readonly aloneMs: number },
): CheckpointOf | undefined {
  const { checkpoints, now } = tables
  const newest = checkpoints.newest(id, state.head.index)
  if (!newest || newest.isNamed || Buffer.compare(newest.checkpoint, named.checkpoint) !== 0) return undefined
  if (!mayName(newest, named, now())) return undefined
  const base = checkpoints.base(id, state.head.index)
  checkpoints.setNamed(newest.id)
  replaceBase(tables, id, base, newest)
  return { place: placeOf(newest), epochIndex: state.head.index }
}

/** What the new base covers is not needed any more, nor is the one before it. */
function replaceBase(
  { pruning, now }: Tables,
  document: number,
  former: StoredCheckpoint | undefined,
  { epochIndex, sequence }: StoredCheckpoint,
): void {
  const replaced = { kind: 'base', checkpoint: former?.id ?? 0, through: sequence } as const
  pruning.insertReplaced({ document, epochIndex, ...replaced, atUnixMs: now() })
}
