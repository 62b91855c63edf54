import { runBytes } from './added-bytes.ts'
import { judgeAppend } from './epoch-state.ts'
import type { AppendRequest, AppendResult, Commit } from './log-store.ts'
import type { Queries } from './postgres-database.ts'
import { type PostgresDocument, type PostgresDocuments, refusal } from './postgres-documents.ts'
import { runWith } from './postgres-runs.ts'
import type { PostgresTenants } from './postgres-tenants.ts'
import { sameHash } from './record-hash.ts'
import { hexOf, roomKey } from './room-key.ts'
import { Tail } from './tail.ts'
import type { SaltClaim } from './tail-salts.ts'

const CLAIMS = `SELECT room, salt, session, counter FROM salts
  WHERE (room, salt) IN (SELECT * FROM unnest($1::bytea[], $2::bytea[]))`

// One statement, one journey. The rows of the salts were read under the lock of their document's row, which this transaction holds.
const WRITE = `WITH
  new_runs AS (INSERT INTO runs (room, first_sequence, entries, epoch_index, hash_before, body)
    SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])),
  used_salts AS (INSERT INTO salts (room, salt, session, counter, last_sequence, used_at)
    SELECT * FROM unnest($7::bytea[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
    ON CONFLICT (room, salt) DO UPDATE
      SET counter = excluded.counter, last_sequence = excluded.last_sequence, used_at = excluded.used_at)
  UPDATE documents SET sequence = new.sequence, hash = new.hash, sole_subject = new.sole_subject, sole_since = new.sole_since,
      bytes = documents.bytes + new.bytes
    FROM unnest($13::bytea[], $14::bigint[], $15::bytea[], $16::text[], $17::bigint[], $18::bigint[])
      AS new (room, sequence, hash, sole_subject, sole_since, bytes)
    WHERE documents.room = new.room AND documents.room = ANY($13::bytea[])`

export interface AppendPorts {
  documents: PostgresDocuments
  tenants: PostgresTenants
}

const NO_KEY = new Uint8Array(0)

interface Room {
  document: PostgresDocument
  tail: Tail
  addedBytes: number
}

/**
 * Appends of any rooms, those of one room in their order, in the caller's transaction. Nothing is written of those that are
 * refused; nor of what an append names.
 */
export async function appendAll(
  queries: Queries,
  { documents, tenants }: AppendPorts,
  requests: readonly AppendRequest[],
): Promise<AppendResult[]> {
  const keys = new Map(requests.map(({ room }) => [room, roomKey(room)]))
  const locked = await documents.lockAll(queries, [...keys.values()])
  const claims = await claimsOf(queries, requests, keys)
  const rooms = new Map<string, Room>()
  const results: AppendResult[] = []
  for (const request of requests) {
    const { room } = request
    const key = hexOf(keys.get(room) ?? NO_KEY)
    const document = locked.get(key)
    if (!document) {
      results.push({ stored: false, code: 'stale-epoch' })
      continue
    }
    const of = rooms.get(key) ?? {
      ...{ document, addedBytes: 0 },
      tail: new Tail(document, (salt) => claims.get(key + hexOf(salt))),
    }
    rooms.set(key, of)
    results.push(await appendTo(queries, tenants, of, request))
  }
  await write(
    queries,
    [...rooms.values()].filter(({ addedBytes }) => addedBytes > 0),
  )
  return results
}

async function appendTo(
  queries: Queries,
  tenants: PostgresTenants,
  room: Room,
  { session, subject, runs, quota }: AppendRequest,
): Promise<AppendResult> {
  const { document, tail } = room
  const code = judgeAppend(tail.state, runs, document.nowUnixMs)
  if (code) return { stored: false, ...(await refusal(queries, code, document)) }
  const added = runBytes(runs)
  const used = { bytes: document.bytes + room.addedBytes, tenant: document.tenant }
  if (await tenants.isOver(queries, quota, used, added)) return { stored: false, code: 'full' }
  const commit = tail.append({ session, subject }, runs)
  if (!commit) return { stored: false, code: 'out-of-order' }
  room.addedBytes += added
  return { stored: true, commit }
}

/** Whether this commit is in the log: the document's row is locked, so nothing of it can come any more. */
export async function isInLog(
  queries: Queries,
  { documents }: Pick<AppendPorts, 'documents'>,
  room: string,
  { runs }: Commit,
): Promise<boolean> {
  const key = roomKey(room)
  await documents.lock(queries, key)
  const last = runs.at(-1)
  const stored = last && (await runWith(queries, key, last.first))
  return (
    stored?.first === last?.first &&
    sameHash(stored?.hashBefore, last?.hashBefore) &&
    sameHash(stored?.body, last?.body)
  )
}

/** Whose the salts of these requests are, by room and salt in hex. */
async function claimsOf(
  queries: Queries,
  requests: readonly AppendRequest[],
  keys: ReadonlyMap<string, Uint8Array>,
): Promise<Map<string, SaltClaim>> {
  const salts = requests.flatMap(({ room, runs }) => runs.map(({ salt }) => ({ key: keys.get(room), salt })))
  const rows = await queries.query<SaltClaim & { room: Uint8Array; salt: Uint8Array }>(CLAIMS, [
    salts.map(({ key }) => key),
    salts.map(({ salt }) => salt),
  ])
  return new Map(rows.map(({ room, salt, ...claim }) => [hexOf(room) + hexOf(salt), claim]))
}

async function write(queries: Queries, rooms: readonly Room[]): Promise<void> {
  if (rooms.length === 0) return
  const runs = rooms.flatMap(({ document: { room }, tail }) => [...tail.runs].map((run) => ({ room, ...run })))
  const salts = rooms.flatMap(({ document: { room, nowUnixMs }, tail }) =>
    [...tail.salts.taken()].map((use) => ({ room, nowUnixMs, ...use })),
  )
  await queries.query(WRITE, [
    runs.map(({ room }) => room),
    runs.map(({ first }) => first),
    runs.map(({ count }) => count),
    runs.map(({ epochIndex }) => epochIndex),
    runs.map(({ hashBefore }) => hashBefore),
    runs.map(({ body }) => body),
    salts.map(({ room }) => room),
    salts.map(({ salt }) => salt),
    salts.map(({ session }) => session),
    salts.map(({ firstCounter, count }) => firstCounter + count - 1),
    salts.map(({ lastSequence }) => lastSequence),
    salts.map(({ nowUnixMs }) => nowUnixMs),
    rooms.map(({ document }) => document.room),
    rooms.map(({ tail }) => tail.state.sequence),
    rooms.map(({ tail }) => tail.state.hash),
    rooms.map(({ tail }) => tail.sole.subject ?? null),
    rooms.map(({ tail }) => tail.sole.since),
    rooms.map(({ addedBytes }) => addedBytes),
  ])
}
