import { RelayError } from '../errors.ts'
import type { SoleAuthor } from './compaction.ts'
import { CLAIMS_AND_AUTHOR, claimColumns, type DocumentColumns, soleOf, stateOf } from './document-columns.ts'
import type { EpochState } from './epoch-state.ts'
import type { EpochRecord } from './log-store.ts'
import type { Queries } from './postgres-database.ts'
import { hexOf } from './room-key.ts'
import { RECORD } from './row-columns.ts'

/** A document's row, and the time on the store's clock when it was read. */
export interface PostgresDocument {
  room: Uint8Array
  state: EpochState
  sole: SoleAuthor
  bytes: number
  tenant: string | undefined
  nowUnixMs: number
}

interface DocumentRow extends DocumentColumns {
  room: Uint8Array
  isDeleted: boolean
  now: number
}

/** ms on the database's clock at this moment, not at the transaction's start. */
const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

const DOCUMENT = `SELECT room, sequence, hash, head_index AS "headIndex", head_hash AS "headHash", is_deleted AS "isDeleted",
    ${CLAIMS_AND_AUTHOR}, bytes, tenant, ${NOW} AS now
  FROM documents`

const ONE = `${DOCUMENT} WHERE room = $1`
// In one order, whoever locks several: no two of them wait for each other.
const SEVERAL_LOCKED = `${DOCUMENT} WHERE room = ANY($1::bytea[]) ORDER BY room FOR UPDATE`

const SAVE = `UPDATE documents SET sequence = $2, hash = $3, head_index = $4, head_hash = $5, lease_session = $6, lease_purpose = $7,
    lease_until = $8, pause_session = $9, pause_until = $10, pause_again_at = $11 WHERE room = $1`

const RECORDS = `SELECT ${RECORD} FROM records WHERE room = $1`

/** A row's document; undefined: it was deleted. `now` takes the place of the database's clock. */
function toDocument(row: DocumentRow, now: (() => number) | undefined): PostgresDocument | undefined {
  if (row.isDeleted) return undefined
  const { room, bytes, tenant } = row
  const nowUnixMs = now?.() ?? row.now
  return { room, state: stateOf(row), sole: soleOf(row), bytes, tenant: tenant ?? undefined, nowUnixMs }
}

/** Documents in their rows. `now`: the clock that counts; undefined: the database's. */
export class PostgresDocuments {
  readonly #now: (() => number) | undefined

  constructor(now: (() => number) | undefined) {
    this.#now = now
  }

  /** As it is at this moment. */
  async find(queries: Queries, room: Uint8Array): Promise<PostgresDocument | undefined> {
    const [row] = await queries.query<DocumentRow>(ONE, [room])
    return row && toDocument(row, this.#now)
  }

  /** Nobody else changes it until the transaction ends. */
  async lock(queries: Queries, room: Uint8Array): Promise<PostgresDocument | undefined> {
    return (await this.lockAll(queries, [room])).get(hexOf(room))
  }

  /** By their rooms in hex. */
  async lockAll(queries: Queries, rooms: readonly Uint8Array[]): Promise<Map<string, PostgresDocument>> {
    const rows = await queries.query<DocumentRow>(SEVERAL_LOCKED, [rooms])
    const found = new Map<string, PostgresDocument>()
    for (const row of rows) {
      const document = toDocument(row, this.#now)
      if (document) found.set(hexOf(row.room), document)
    }
    return found
  }

  async nowUnixMs(queries: Queries): Promise<number> {
    if (this.#now) return this.#now()
    const [row] = await queries.query<{ now: number }>(`SELECT ${NOW} AS now`)
    if (!row) throw new RelayError('storage', 'the database has no clock')
    return row.now
  }
}

export async function saveState(queries: Queries, room: Uint8Array, state: EpochState): Promise<void> {
  const { sequence, hash, head } = state
  await queries.query(SAVE, [room, sequence, hash, head.index, head.hash, ...claimColumns(state)])
}

/** The records of a room, oldest first. */
export function readRecords(queries: Queries, room: Uint8Array): Promise<EpochRecord[]> {
  return queries.query<EpochRecord>(`${RECORDS} ORDER BY epoch_index`, [room])
}

export async function headRecord(queries: Queries, { room, state }: PostgresDocument): Promise<EpochRecord> {
  const [record] = await queries.query<EpochRecord>(`${RECORDS} AND epoch_index = $2`, [room, state.head.index])
  if (!record) throw new RelayError('storage', 'a document without its head record')
  return record
}

/** A refusal's code, and the head record with those for which a client needs it. */
export async function refusal<Code extends string>(
  queries: Queries,
  code: Code,
  document: PostgresDocument | undefined,
): Promise<{ code: Code; record?: Uint8Array }> {
  if (code !== 'stale-epoch' || !document) return { code }
  return { code, record: (await headRecord(queries, document)).bytes }
}
