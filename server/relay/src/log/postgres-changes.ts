import { startHash } from '@y-sealed/protocol'
import { chunkBytes, runBytes } from './added-bytes.ts'
import { isNamedAtOnce, isNamedBy, judgeCompaction, type Naming } from './compaction.ts'
import { judgeOpen, opened, released, renewed, takeLease, takePause } from './epoch-state.ts'
import type {
  AppendRequest,
  AppendResult,
  CheckpointOf,
  CompactRequest,
  CompactResult,
  EpochRecord,
  LeaseRequest,
  LeaseResult,
  OpenRequest,
  PauseRequest,
  PauseResult,
} from './log-store.ts'
import { placeOf } from './place.ts'
import { type AppendPorts, appendAll } from './postgres-appending.ts'
import { baseOf, insertCheckpoint, insertReplaced, newestOf, setNamed } from './postgres-checkpoint-rows.ts'
import type { Queries } from './postgres-database.ts'
import { headRecord, type PostgresDocument, refusal, saveState } from './postgres-documents.ts'
import { hashAfter } from './postgres-runs.ts'
import { roomKey } from './room-key.ts'
import { isRotation, isTooOften, lately, type OpenedLately } from './rotation-rate.ts'
import { firstOf, type StoredCheckpoint } from './stored-checkpoint.ts'

/** What changes one document, under the lock of its row, in the caller's transaction; the rules are those of every store. */

const INSERT_DOCUMENT = `INSERT INTO documents (room, sequence, hash, head_index, head_hash, tenant) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT DO NOTHING RETURNING 1 AS made`
const INSERT_RECORD = `INSERT INTO records (room, epoch_index, bytes, hash, after_sequence, opened_at) VALUES ($1, $2, $3, $4, $5, $6)`
// The first epoch of a document replaces none.
const OPENED_SINCE = `SELECT count(*) FILTER (WHERE opened_at > $2)::bigint AS minute, count(*)::bigint AS day FROM records
  WHERE room = $1 AND opened_at > $3 AND epoch_index > (SELECT min(epoch_index) FROM records WHERE room = $1)`

export async function lease(
  queries: Queries,
  { documents }: AppendPorts,
  { room, atMost, ...wish }: LeaseRequest,
): Promise<LeaseResult> {
  const document = await documents.lock(queries, roomKey(room))
  if (!document) return { granted: false, code: 'stale-epoch' }
  const { nowUnixMs: now } = document
  if (atMost && isRotation(document.state, wish)) {
    const { minute, day } = lately(now)
    const [opened] = await queries.query<OpenedLately>(OPENED_SINCE, [document.room, minute, day])
    if (opened && isTooOften(opened, atMost)) return { granted: false, code: 'too-often' }
  }
  const claimed = takeLease(document.state, wish, now)
  if (!claimed.granted) return { granted: false, ...(await refusal(queries, claimed.code, document)) }
  await saveState(queries, document.room, claimed.state)
  return { granted: true }
}

export async function renew(
  queries: Queries,
  { documents }: AppendPorts,
  { room, ...wish }: { room: string; session: number; leaseMs: number },
): Promise<boolean> {
  const document = await documents.lock(queries, roomKey(room))
  const state = document && renewed(document.state, wish, document.nowUnixMs)
  if (state) await saveState(queries, document.room, state)
  return state !== undefined
}

export async function pause(
  queries: Queries,
  { documents }: AppendPorts,
  { room, ...wish }: PauseRequest,
): Promise<PauseResult> {
  const document = await documents.lock(queries, roomKey(room))
  if (!document) return { granted: false, code: 'busy' }
  const claimed = takePause(document.state, wish, document.nowUnixMs)
  if (!claimed.granted) return claimed
  await saveState(queries, document.room, claimed.state)
  const { sequence, hash } = claimed.state
  return { granted: true, sequence, hash }
}

export async function release(
  queries: Queries,
  { documents }: AppendPorts,
  room: string,
  session: number,
): Promise<void> {
  const document = await documents.lock(queries, roomKey(room))
  if (!document) return
  const state = released(document.state, session)
  if (state !== document.state) await saveState(queries, document.room, state)
}

/** An append that names a checkpoint. */
export async function appendNaming(
  queries: Queries,
  ports: AppendPorts,
  request: AppendRequest,
): Promise<AppendResult> {
  const [result] = await appendAll(queries, ports, [request])
  if (!result?.stored || !request.names) return result ?? { stored: false, code: 'stale-epoch' }
  const document = await ports.documents.lock(queries, roomKey(request.room))
  const named = document && (await name(queries, document, { ...request.names, subject: request.subject }))
  return { stored: true, commit: { ...result.commit, ...(named && { named }) } }
}

/** Opens an epoch; where that is refused, the caller undoes what was written. */
export async function open(queries: Queries, ports: AppendPorts, request: OpenRequest): Promise<AppendResult> {
  const { room, session, runs, record, replaces, chunks, quota, tenant } = request
  const key = roomKey(room)
  const { documents, tenants } = ports
  const document = await documents.lock(queries, key)
  const now = document?.nowUnixMs ?? (await documents.nowUnixMs(queries))
  const code = judgeOpen(document?.state, { session, record, replaces }, now)
  if (code) return { stored: false, ...(await refusal(queries, code, document)) }
  const added = runBytes(runs) + chunkBytes(chunks)
  if (await tenants.isOver(queries, quota, document ?? { bytes: 0, tenant }, added))
    return { stored: false, code: 'full' }
  const state = opened(document?.state, record, startHash(record.hash))
  if (document) {
    await saveState(queries, key, state)
    await insertReplaced(queries, key, { kind: 'epoch', epochIndex: document.state.head.index, atUnixMs: now })
  } else {
    const { sequence, hash, head } = state
    const made = await queries.query(INSERT_DOCUMENT, [key, sequence, hash, head.index, head.hash, tenant ?? null])
    // Somebody else was quicker, or an operator has deleted it: its row is there already, and names the one that is the head.
    if (made.length === 0)
      return { stored: false, ...(await refusal(queries, 'stale-epoch', await documents.lock(queries, key))) }
  }
  const epoch: EpochRecord = { ...record, after: state.sequence }
  await queries.query(INSERT_RECORD, [key, epoch.index, epoch.bytes, epoch.hash, epoch.after, now])
  const [first, ...others] = chunks
  const checkpoint = first && (await insertCheckpoint(queries, key, [first, ...others], firstOf(epoch, now)))
  if (first && !checkpoint) return { stored: false, code: 'out-of-order' }
  const appended: AppendResult | undefined =
    runs.length > 0
      ? (await appendAll(queries, ports, [withoutQuota(request)]))[0]
      : { stored: true, commit: { runs: [], sequence: state.sequence, hash: state.hash } }
  if (!appended?.stored) return { stored: false, code: appended?.code ?? 'out-of-order' }
  return {
    stored: true,
    commit: { ...appended.commit, opened: { ...epoch, ...(checkpoint && { checkpoint: placeOf(checkpoint) }) } },
  }
}

function withoutQuota({ room, session, subject, runs }: OpenRequest): AppendRequest {
  return { room, session, subject, runs }
}

/** Stores a checkpoint as the newest of the head epoch; refused, it has written nothing. */
export async function compact(
  queries: Queries,
  { documents, tenants }: AppendPorts,
  request: CompactRequest,
): Promise<CompactResult> {
  const { room, session, subject, sequence, hash, previous, chunks, quota } = request
  const key = roomKey(room)
  const document = await documents.lock(queries, key)
  if (!document) return { stored: false, code: 'stale-epoch' }
  const { state, sole, nowUnixMs } = document
  const [{ epochIndex }] = chunks
  const newest = await newestOf(queries, key, state.head.index)
  const start = (await headRecord(queries, document)).after
  const covered = { newest, start, hash: await hashAfter(queries, key, sequence) }
  const code = judgeCompaction(state, { session, epochIndex, sequence, hash, previous }, covered, nowUnixMs)
  if (code) return { stored: false, ...(await refusal(queries, code, document)) }
  if (await tenants.isOver(queries, quota, document, chunkBytes(chunks))) return { stored: false, code: 'full' }
  const base = await baseOf(queries, key, state.head.index)
  const isNamed = isNamedAtOnce(sole, subject, base?.sequence ?? start)
  const about = { epochIndex, sequence, hash, subject, isNamed, storedAtUnixMs: nowUnixMs }
  const stored = await insertCheckpoint(queries, key, chunks, about)
  if (!stored) return { stored: false, code: 'out-of-order' }
  if (newest && !newest.isNamed) {
    const draft = { kind: 'draft', epochIndex, checkpoint: newest.checkpoint, atUnixMs: nowUnixMs } as const
    await insertReplaced(queries, key, draft)
  }
  if (isNamed) await replaceBase(queries, document, base, stored)
  await saveState(queries, key, released(state, session))
  return { stored: true, place: placeOf(stored), isNamed }
}

/** An append of this subject names a checkpoint: the newest becomes the base, if it is that one and this counts. Undefined where it has no effect. */
async function name(queries: Queries, document: PostgresDocument, naming: Naming): Promise<CheckpointOf | undefined> {
  const { room, state, nowUnixMs } = document
  const epochIndex = state.head.index
  const newest = await newestOf(queries, room, epochIndex)
  if (!newest || !isNamedBy(newest, naming, nowUnixMs)) return undefined
  const base = await baseOf(queries, room, epochIndex)
  await setNamed(queries, room, newest.checkpoint)
  await replaceBase(queries, document, base, newest)
  return { place: placeOf(newest), epochIndex }
}

/** What the new base covers is not needed any more, nor is the one before it. */
async function replaceBase(
  queries: Queries,
  { room, nowUnixMs: atUnixMs }: PostgresDocument,
  former: StoredCheckpoint | undefined,
  { epochIndex, sequence: through }: StoredCheckpoint,
): Promise<void> {
  await insertReplaced(queries, room, { kind: 'base', epochIndex, checkpoint: former?.checkpoint, through, atUnixMs })
}
