import { MAX_PLACES } from '@y-sealed/protocol'
import { EMPTY_HEAD } from './empty-head.ts'
import { keyHintOf } from './key-hint.ts'
import type {
  EpochRecord,
  KeptEpoch,
  LogContents,
  LogHead,
  Standing,
  StoredRun,
  Usage,
  WantedChunks,
} from './log-store.ts'
import { placeOf, standingOf } from './place.ts'
import { checkpointCalled, checkpointsOf } from './postgres-checkpoint-rows.ts'
import type { Queries } from './postgres-database.ts'
import { readRecords } from './postgres-documents.ts'
import { hashAfter, runsFrom } from './postgres-runs.ts'
import { sameHash } from './record-hash.ts'
import { recordsAfter } from './records-after.ts'
import { hexOf } from './room-key.ts'
import { runAfter } from './run-chain.ts'
import type { StoredCheckpoint } from './stored-checkpoint.ts'
import { type Counted, NO_USAGE, tailStart, usageOf } from './usage.ts'

const IS_LIVE = 'SELECT 1 AS live FROM documents WHERE room = $1 AND NOT is_deleted'
const IS_DELETED = 'SELECT 1 AS deleted FROM documents WHERE room = $1 AND is_deleted'

// Each look at several tables is one statement, so that it sees them at one moment.
const HEADS = `SELECT documents.room, documents.sequence, documents.hash AS "headHash", documents.checkpoints, documents.is_deleted AS "isDeleted",
    records.epoch_index AS index, records.bytes, records.hash, records.after_sequence AS after
  FROM documents LEFT JOIN records ON records.room = documents.room AND records.epoch_index = documents.head_index
  WHERE documents.room = ANY($1::bytea[])`

const CHECKPOINT = `SELECT name AS checkpoint, sequence, hash, bytes, is_named AS "isNamed" FROM checkpoints
  WHERE room = $1 AND epoch_index = documents.head_index`
const STANDING = `SELECT (SELECT coalesce(max(pruned_through), 0) FROM records WHERE room = $1)::bigint AS pruned, found.*
  FROM documents LEFT JOIN LATERAL (
    (${CHECKPOINT} ORDER BY sequence DESC LIMIT 1) UNION (${CHECKPOINT} AND is_named ORDER BY sequence DESC LIMIT 1)
  ) AS found ON true
  WHERE room = $1 AND NOT is_deleted ORDER BY sequence DESC`

const GAP = 'SELECT 1 AS gap FROM records WHERE room = $1 AND after_sequence < $3 AND pruned_through > $2 LIMIT 1'

const CHUNKS = `SELECT envelope FROM (
    SELECT chunk, envelope, sum(octet_length(envelope)) OVER (ORDER BY chunk) - octet_length(envelope) AS bytes_before
    FROM chunks WHERE room = $1 AND checkpoint = $2 AND chunk BETWEEN $3 AND $4) AS sized
  WHERE bytes_before < $5 ORDER BY chunk`

const USAGE = `SELECT sequence, (SELECT count(*) FROM records WHERE room = $1)::bigint AS records,
    (SELECT coalesce(sum(bytes), 0) FROM checkpoints WHERE room = $1)::bigint AS "allChunkBytes",
    (SELECT coalesce(sum(entries), 0) FROM runs WHERE room = $1)::bigint AS "allEntries",
    (SELECT coalesce(sum(octet_length(body)), 0) FROM runs WHERE room = $1)::bigint AS "allBytes",
    (SELECT coalesce(sum(octet_length(body)), 0) FROM runs WHERE room = $1 AND first_sequence + entries - 1 > $2)::bigint AS "tailBytes"
  FROM documents WHERE room = $1 AND NOT is_deleted`

const KEPT_EPOCHS = `SELECT epoch_index AS index, bytes, epoch_index = (SELECT head_index FROM documents WHERE room = $1)
      OR EXISTS (SELECT 1 FROM runs WHERE runs.room = $1 AND runs.epoch_index = records.epoch_index)
      OR EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.room = $1 AND checkpoints.epoch_index = records.epoch_index) AS "isNeeded"
  FROM records WHERE room = $1 ORDER BY epoch_index`

interface HeadRow {
  room: Uint8Array
  sequence: number
  headHash: Uint8Array
  checkpoints: number
  isDeleted: boolean
  index: number | null
  bytes: Uint8Array
  hash: Uint8Array
  after: number
}

/** What a node looks for in many rooms at once. */
export interface News {
  head: LogHead
  isDeleted: boolean
  /** Another number: a checkpoint has become the newest, or counts as named. */
  checkpoints: number
}

/** By the rooms' keys in hex; a room that nobody has made is absent. */
export async function readNews(queries: Queries, rooms: readonly Uint8Array[]): Promise<Map<string, News>> {
  const rows = await queries.query<HeadRow>(HEADS, [rooms])
  return new Map(rows.map((row) => [hexOf(row.room), toNews(row)]))
}

function toNews({ sequence, headHash, checkpoints, isDeleted, index, bytes, hash, after }: HeadRow): News {
  const isLive = !isDeleted && index !== null
  const head = isLive ? { sequence, hash: headHash, record: { index, bytes, hash, after } } : EMPTY_HEAD
  return { head, isDeleted, checkpoints }
}

async function readHead(queries: Queries, key: Uint8Array): Promise<LogHead> {
  const news = (await readNews(queries, [key])).get(hexOf(key))
  return news?.head ?? EMPTY_HEAD
}

async function readStanding(queries: Queries, key: Uint8Array): Promise<Standing> {
  type Row = Omit<StoredCheckpoint, 'sequence'> & { pruned: number; sequence: number | null }
  const rows = await queries.query<Row>(STANDING, [key])
  const places = rows.flatMap(({ sequence, ...row }) => (sequence === null ? [] : [{ ...row, sequence }]))
  const [newest] = places
  const base = places.find(({ isNamed }) => isNamed)
  return standingOf(rows[0]?.pruned ?? 0, newest, base)
}

async function readPlaces(queries: Queries, key: Uint8Array, recordHash: Uint8Array) {
  const records = await liveRecords(queries, key)
  const record = records.find(({ hash }) => sameHash(hash, recordHash))
  if (!record) return undefined
  const newestFirst = await checkpointsOf(queries, key, record.index, MAX_PLACES)
  return newestFirst.reverse().map(placeOf)
}

async function readChunks(queries: Queries, key: Uint8Array, hash: Uint8Array, wanted: WantedChunks) {
  const checkpoint = (await isLive(queries, key)) ? await checkpointCalled(queries, key, hash) : undefined
  if (!checkpoint) return undefined
  const { first, last, maxBytes } = wanted
  const rows = await queries.query<{ envelope: Uint8Array }>(CHUNKS, [key, hash, first, last, maxBytes])
  const chunks = rows.map(({ envelope }) => envelope)
  return chunks.length > 0 ? { total: checkpoint.chunks, chunks } : undefined
}

/** Runs without a gap between them; the first begins after `after` + 1 where what stood there is gone. */
async function readRuns(queries: Queries, key: Uint8Array, after: number, maxBytes: number): Promise<StoredRun[]> {
  if (!(await isLive(queries, key))) return []
  const runs: StoredRun[] = []
  for (const run of await runsFrom(queries, key, after + 1, maxBytes)) {
    const last = runs.at(-1)
    if (last && run.first !== last.first + last.count) break
    runs.push(runAfter(run, after))
  }
  return runs
}

async function isWhole(queries: Queries, key: Uint8Array, after: number, through: number): Promise<boolean> {
  if (!(await isLive(queries, key))) return true
  return (await queries.query(GAP, [key, after, through])).length === 0
}

async function readRecordsAfter(queries: Queries, key: Uint8Array, held: Uint8Array | undefined) {
  return recordsAfter(await liveRecords(queries, key), held)
}

async function readHashAt(queries: Queries, key: Uint8Array, sequence: number): Promise<Uint8Array | undefined> {
  return (await isLive(queries, key)) ? await hashAfter(queries, key, sequence) : undefined
}

/** Reads the size of every run of a room, not the runs themselves: for people who ask, not for each request. */
export async function readUsage(queries: Queries, key: Uint8Array): Promise<Usage> {
  const head = await readHead(queries, key)
  const standing = await readStanding(queries, key)
  const start = tailStart(head, standing)
  const [counted] = await queries.query<Counted>(USAGE, [key, start])
  return counted ? usageOf(standing, start, counted) : NO_USAGE
}

export async function readKeptEpochs(queries: Queries, key: Uint8Array): Promise<KeptEpoch[]> {
  if (!(await isLive(queries, key))) return []
  const rows = await queries.query<{ index: number; bytes: Uint8Array; isNeeded: boolean }>(KEPT_EPOCHS, [key])
  return rows.map(({ index, bytes, isNeeded }) => ({ index, keyHint: keyHintOf(bytes), isNeeded }))
}

export async function isDeletedRoom(queries: Queries, key: Uint8Array): Promise<boolean> {
  return (await queries.query(IS_DELETED, [key])).length > 0
}

async function liveRecords(queries: Queries, key: Uint8Array): Promise<EpochRecord[]> {
  return (await isLive(queries, key)) ? await readRecords(queries, key) : []
}

async function isLive(queries: Queries, key: Uint8Array): Promise<boolean> {
  return (await queries.query(IS_LIVE, [key])).length > 0
}

const NAMES = `SELECT room FROM documents WHERE room > $1 AND NOT is_deleted ORDER BY room LIMIT $2`

/** The looks of a store, at rooms that are called by what `keyOf` makes a key of. */
export function looksAt(queries: Queries, keyOf: (name: string) => Uint8Array): Omit<LogContents, 'names'> {
  return {
    head: (room) => readHead(queries, keyOf(room)),
    standing: (room) => readStanding(queries, keyOf(room)),
    places: (room, recordHash) => readPlaces(queries, keyOf(room), recordHash),
    checkpoint: (room, hash, wanted) => readChunks(queries, keyOf(room), hash, wanted),
    read: (room, after, maxBytes) => readRuns(queries, keyOf(room), after, maxBytes),
    isWhole: (room, after, through) => isWhole(queries, keyOf(room), after, through),
    hashAt: (room, sequence) => readHashAt(queries, keyOf(room), sequence),
    records: (room, held) => readRecordsAfter(queries, keyOf(room), held),
  }
}

/** The documents by their keys in hex: names of rooms are nowhere in the store. */
export async function readNames(queries: Queries, after: string, max: number): Promise<string[]> {
  const rows = await queries.query<{ room: Uint8Array }>(NAMES, [Buffer.from(after, 'hex'), max])
  return rows.map(({ room }) => hexOf(room))
}
