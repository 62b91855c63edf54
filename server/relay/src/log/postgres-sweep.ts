import type { PostgresDatabase, Queries } from './postgres-database.ts'
import type { PostgresDocuments } from './postgres-documents.ts'
import { runWith } from './postgres-runs.ts'
import { dueKinds, type ReplacedKind, type SweepTerms } from './retention.ts'
import { roomKey } from './room-key.ts'
import { hashWithin } from './run-chain.ts'
import { pruneStep, type RunSize, STEP_CHUNKS, STEP_RUNS, STEP_SALTS } from './sweep-step.ts'

interface Due {
  room: Uint8Array
  kind: ReplacedKind
  epochIndex: number
  /** Empty: none. */
  checkpoint: Uint8Array
  through: number
}

const DUE = `SELECT room, kind, epoch_index AS "epochIndex", checkpoint, through FROM replaced
  WHERE kind = $1 AND at <= $2 ORDER BY at LIMIT 1`
const THIS = 'room = $1 AND kind = $2 AND epoch_index = $3 AND checkpoint = $4 AND through = $5'
const IS_THERE = `SELECT 1 AS there FROM replaced WHERE ${THIS}`
const FORGET = `DELETE FROM replaced WHERE ${THIS}`
const PRUNED = `SELECT after_sequence AS after, greatest(pruned_through, after_sequence) AS through FROM records
  WHERE room = $1 AND epoch_index = $2`
const SAVE_PRUNED = 'UPDATE records SET pruned_through = $3, pruned_hash = $4 WHERE room = $1 AND epoch_index = $2'
const END_OF = 'SELECT min(after_sequence) AS end FROM records WHERE room = $1 AND epoch_index > $2'
const RUN_SIZES = `SELECT first_sequence AS first, entries AS count, octet_length(body)::bigint AS "bodyBytes" FROM runs
  WHERE room = $1 AND first_sequence > $2 AND first_sequence <= $3 ORDER BY first_sequence LIMIT $4`
const DELETE_RUNS = `WITH gone AS (
    DELETE FROM runs WHERE room = $1 AND first_sequence BETWEEN $2 AND $3 RETURNING octet_length(body) AS bytes)
  UPDATE documents SET bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM gone)::bigint WHERE room = $1`
const DELETE_SALTS =
  'DELETE FROM salts WHERE room = $1 AND last_sequence > $2 AND last_sequence <= $3 AND used_at <= $4'
const HIDE = `WITH gone AS (DELETE FROM checkpoints WHERE room = $1 AND name = $2 RETURNING salt, bytes),
    salt AS (DELETE FROM salts WHERE room = $1 AND salt IN (SELECT salt FROM gone))
  UPDATE documents SET bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM gone)::bigint WHERE room = $1`
const DELETE_CHUNKS = `DELETE FROM chunks WHERE room = $1 AND checkpoint = $2
    AND chunk IN (SELECT chunk FROM chunks WHERE room = $1 AND checkpoint = $2 LIMIT $3) RETURNING 1 AS gone`
const REPLACE_ALL = `INSERT INTO replaced (room, kind, epoch_index, checkpoint, through, at)
  SELECT room, 'draft', epoch_index, name, 0, 0 FROM checkpoints WHERE room = $1 AND epoch_index = $2 ON CONFLICT DO NOTHING`

const BURY = `INSERT INTO documents (room, sequence, hash, head_index, head_hash, is_deleted) VALUES ($1, 0, '', -1, '', true)
  ON CONFLICT (room) DO UPDATE SET sequence = 0, hash = '', head_index = -1, head_hash = '', is_deleted = true, lease_session = 0,
    pause_session = 0, sole_subject = NULL, bytes = 0, tenant = NULL
  WHERE NOT documents.is_deleted RETURNING 1 AS buried`
const DROP_REPLACED = 'DELETE FROM replaced WHERE room = $1'
const ADD_DOCUMENT = `INSERT INTO replaced (room, kind, epoch_index, checkpoint, through, at) VALUES ($1, 'document', 0, '', 0, 0)`

/** Of a deleted document, in this order, so many rows a step. */
const PURGES: readonly (readonly [table: string, key: string, max: number])[] = [
  ['runs', 'first_sequence', STEP_RUNS],
  ['salts', 'salt', STEP_SALTS],
  ['chunks', 'ctid', STEP_CHUNKS],
  ['checkpoints', 'name', STEP_SALTS],
  ['records', 'epoch_index', STEP_SALTS],
]

/** The room has no document from here on; what it had goes by and by. False: it was deleted before. */
export async function bury(queries: Queries, room: string): Promise<boolean> {
  const key = roomKey(room)
  const buried = await queries.query(BURY, [key])
  if (buried.length === 0) return false
  await queries.query(DROP_REPLACED, [key])
  await queries.query(ADD_DOCUMENT, [key])
  return true
}

/** Deletes some of what is due, at most a step of it; whether there may be more. */
export async function sweepStep(
  database: PostgresDatabase,
  documents: PostgresDocuments,
  terms: SweepTerms,
): Promise<boolean> {
  const now = await documents.nowUnixMs(database)
  const due = await firstDue(database, terms, now)
  if (!due) return false
  await database.transaction({
    async run(queries) {
      // First, as everybody does. Another node may have done this step meanwhile.
      await documents.lock(queries, due.room)
      const { room, kind, epochIndex, checkpoint, through } = due
      const key = [room, kind, epochIndex, checkpoint, through]
      if ((await queries.query(IS_THERE, key)).length === 0) return
      if (await isGoneAfterStep(queries, due, now - terms.saltMs)) await queries.query(FORGET, key)
    },
  })
  return true
}

async function firstDue(queries: Queries, terms: SweepTerms, now: number): Promise<Due | undefined> {
  for (const { kind, throughUnixMs } of dueKinds(terms, now)) {
    const [due] = await queries.query<Due>(DUE, [kind, throughUnixMs])
    if (due) return due
  }
  return undefined
}

async function isGoneAfterStep(queries: Queries, due: Due, saltsUnusedSince: number): Promise<boolean> {
  const { room, epochIndex, kind, checkpoint, through } = due
  if (kind === 'document') return await purgeStep(queries, room)
  if (kind === 'draft') return await dropCheckpoint(queries, room, checkpoint)
  const last = kind === 'base' ? through : await endOf(queries, room, epochIndex)
  if (!(await pruneRuns(queries, room, epochIndex, last))) return false
  const pruned = await prunedOf(queries, room, epochIndex)
  // Where old epochs go, all before this one have gone, and the salts that were still in use then go now.
  const after = kind === 'base' ? pruned.after : 0
  await queries.query(DELETE_SALTS, [room, after, pruned.through, saltsUnusedSince])
  if (kind === 'base') return checkpoint.length === 0 || (await dropCheckpoint(queries, room, checkpoint))
  // Each in a step of its own, and the readers have had their time.
  await queries.query(REPLACE_ALL, [room, epochIndex])
  return true
}

/** Some entries of an epoch through `through`, oldest first; whether all are gone that end there. A run is never cut. */
async function pruneRuns(queries: Queries, room: Uint8Array, epochIndex: number, through: number): Promise<boolean> {
  const { through: before } = await prunedOf(queries, room, epochIndex)
  const oldest = await queries.query<RunSize>(RUN_SIZES, [room, before, through, STEP_RUNS])
  const step = pruneStep(oldest, through)
  const run = step && (await runWith(queries, room, step.lastRun))
  if (!run) return true
  const end = run.first + run.count - 1
  // Who has read through there can still be told that it is this log.
  await queries.query(SAVE_PRUNED, [room, epochIndex, end, hashWithin(run, end)])
  await queries.query(DELETE_RUNS, [room, step.firstRun, step.lastRun])
  return step.isLast
}

/** Nobody finds it from the first step on; whether its last chunk is gone. */
async function dropCheckpoint(queries: Queries, room: Uint8Array, checkpoint: Uint8Array): Promise<boolean> {
  await queries.query(HIDE, [room, checkpoint])
  return (await queries.query(DELETE_CHUNKS, [room, checkpoint, STEP_CHUNKS])).length < STEP_CHUNKS
}

async function purgeStep(queries: Queries, room: Uint8Array): Promise<boolean> {
  for (const [table, key, max] of PURGES) {
    const some = `SELECT ${key} FROM ${table} WHERE room = $1 LIMIT $2`
    const gone = await queries.query(
      `DELETE FROM ${table} WHERE room = $1 AND ${key} IN (${some}) RETURNING 1 AS gone`,
      [room, max],
    )
    if (gone.length === max) return false
  }
  return true
}

async function prunedOf(
  queries: Queries,
  room: Uint8Array,
  epochIndex: number,
): Promise<{ after: number; through: number }> {
  const [row] = await queries.query<{ after: number; through: number }>(PRUNED, [room, epochIndex])
  return row ?? { after: 0, through: 0 }
}

async function endOf(queries: Queries, room: Uint8Array, epochIndex: number): Promise<number> {
  const [row] = await queries.query<{ end: number | null }>(END_OF, [room, epochIndex])
  return row?.end ?? 0
}
