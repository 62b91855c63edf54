import type { NewChunk } from './log-store.ts'
import type { Queries } from './postgres-database.ts'
import type { ReplacedKind } from './retention.ts'
import { type AboutCheckpoint, CHECKPOINT, checkpointOf, type StoredCheckpoint } from './stored-checkpoint.ts'

const OF_EPOCH = `SELECT ${CHECKPOINT} FROM checkpoints WHERE room = $1 AND epoch_index = $2`
const NEWEST_FIRST = 'ORDER BY sequence DESC LIMIT'

// Chunks belong to nobody: no session may go on under their salt, not even the one that brought them.
const CLAIM = `INSERT INTO salts (room, salt, session, counter, last_sequence, used_at) VALUES ($1, $2, 0, $3, 0, $4)
  ON CONFLICT DO NOTHING RETURNING 1 AS claimed`
const INSERT = `INSERT INTO checkpoints (room, name, epoch_index, sequence, hash, bytes, chunks, salt, subject, is_named, stored_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
const INSERT_CHUNK = 'INSERT INTO chunks (room, checkpoint, chunk, envelope) VALUES ($1, $2, $3, $4)'
const COUNT = 'UPDATE documents SET bytes = bytes + $2, checkpoints = checkpoints + 1 WHERE room = $1'
const NAME = 'UPDATE checkpoints SET is_named = true WHERE room = $1 AND name = $2'
const REPLACE = `INSERT INTO replaced (room, kind, epoch_index, checkpoint, through, at) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT DO NOTHING`

const NONE = new Uint8Array(0)

export async function newestOf(queries: Queries, room: Uint8Array, epochIndex: number) {
  const [row] = await queries.query<StoredCheckpoint>(`${OF_EPOCH} ${NEWEST_FIRST} 1`, [room, epochIndex])
  return row
}

/** The newest that counts as named. */
export async function baseOf(queries: Queries, room: Uint8Array, epochIndex: number) {
  const [row] = await queries.query<StoredCheckpoint>(`${OF_EPOCH} AND is_named ${NEWEST_FIRST} 1`, [room, epochIndex])
  return row
}

/** Newest first. */
export function checkpointsOf(queries: Queries, room: Uint8Array, epochIndex: number, max: number) {
  return queries.query<StoredCheckpoint>(`${OF_EPOCH} ${NEWEST_FIRST} $3`, [room, epochIndex, max])
}

export async function checkpointCalled(queries: Queries, room: Uint8Array, name: Uint8Array) {
  const [row] = await queries.query<StoredCheckpoint>(
    `SELECT ${CHECKPOINT} FROM checkpoints WHERE room = $1 AND name = $2`,
    [room, name],
  )
  return row
}

/** Stores the checkpoint of these chunks; undefined where its salt was used before, and then nothing is written. */
export async function insertCheckpoint(
  queries: Queries,
  room: Uint8Array,
  chunks: readonly [NewChunk, ...NewChunk[]],
  about: AboutCheckpoint,
): Promise<StoredCheckpoint | undefined> {
  const stored = checkpointOf(chunks, about)
  const { checkpoint, epochIndex, sequence, hash, bytes, salt, subject, isNamed, storedAtUnixMs } = stored
  const claimed = await queries.query(CLAIM, [room, salt, chunks.length, storedAtUnixMs])
  if (claimed.length === 0) return undefined
  const columns = [epochIndex, sequence, hash, bytes, chunks.length, salt, subject, isNamed, storedAtUnixMs]
  await queries.query(INSERT, [room, checkpoint, ...columns])
  for (const { counter, envelope } of chunks) await queries.query(INSERT_CHUNK, [room, checkpoint, counter, envelope])
  await queries.query(COUNT, [room, bytes])
  return stored
}

export async function setNamed(queries: Queries, room: Uint8Array, name: Uint8Array): Promise<void> {
  await queries.query(NAME, [room, name])
  await queries.query(COUNT, [room, 0])
}

/** Notes that this is not needed any more from then on. */
export async function insertReplaced(
  queries: Queries,
  room: Uint8Array,
  what: {
    kind: ReplacedKind
    epochIndex: number
    checkpoint?: Uint8Array | undefined
    through?: number
    atUnixMs: number
  },
): Promise<void> {
  const { kind, epochIndex, checkpoint = NONE, through = 0, atUnixMs } = what
  await queries.query(REPLACE, [room, kind, epochIndex, checkpoint, through, atUnixMs])
}
