import { RelayError } from '../errors.ts'
import { MAX_PARTITIONS } from './partitions.ts'
import type { PostgresDatabase, Transaction } from './postgres-database.ts'

/** As in sqlite-schema.ts, one number for each step that a store has taken. */
export const POSTGRES_SCHEMA_VERSION = 1

// Any number that nobody else takes: only one process at a time makes tables.
const LOCK = 0x795e_a1ed

/**
 * `room` is SHA-256 of a room's name: names are of any length, and what is left of a deleted document must not tell its own. It
 * is in every primary key, and every statement on these tables names it, so they can be divided by it; but for those that only read: what is
 * due for a sweep, the bytes of a tenant, and the list for who looks through all of it.
 * Columns are those of the SQLite store. `checkpoints` counts what has changed about checkpoints, for nodes that look for news.
 */
const TABLES: Record<string, string> = {
  documents: `
    room bytea PRIMARY KEY,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    head_index bigint NOT NULL,
    head_hash bytea NOT NULL,
    is_deleted boolean NOT NULL DEFAULT false,
    checkpoints bigint NOT NULL DEFAULT 0,
    lease_session bigint NOT NULL DEFAULT 0,
    lease_purpose text NOT NULL DEFAULT '',
    lease_until bigint NOT NULL DEFAULT 0,
    pause_session bigint NOT NULL DEFAULT 0,
    pause_until bigint NOT NULL DEFAULT 0,
    pause_again_at bigint NOT NULL DEFAULT 0,
    sole_subject text,
    sole_since bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    tenant text`,
  records: `
    room bytea NOT NULL,
    epoch_index bigint NOT NULL,
    bytes bytea NOT NULL,
    hash bytea NOT NULL,
    after_sequence bigint NOT NULL,
    opened_at bigint NOT NULL,
    pruned_through bigint NOT NULL DEFAULT 0,
    pruned_hash bytea,
    PRIMARY KEY (room, epoch_index)`,
  runs: `
    room bytea NOT NULL,
    first_sequence bigint NOT NULL,
    entries bigint NOT NULL,
    epoch_index bigint NOT NULL,
    hash_before bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (room, first_sequence)`,
  salts: `
    room bytea NOT NULL,
    salt bytea NOT NULL,
    session bigint NOT NULL,
    counter bigint NOT NULL,
    last_sequence bigint NOT NULL,
    used_at bigint NOT NULL,
    PRIMARY KEY (room, salt)`,
  checkpoints: `
    room bytea NOT NULL,
    name bytea NOT NULL,
    epoch_index bigint NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    bytes bigint NOT NULL,
    chunks bigint NOT NULL,
    salt bytea NOT NULL,
    subject text NOT NULL,
    is_named boolean NOT NULL,
    stored_at bigint NOT NULL,
    PRIMARY KEY (room, name),
    UNIQUE (room, epoch_index, sequence)`,
  chunks: `
    room bytea NOT NULL,
    checkpoint bytea NOT NULL,
    chunk bigint NOT NULL,
    envelope bytea NOT NULL,
    PRIMARY KEY (room, checkpoint, chunk)`,
  replaced: `
    room bytea NOT NULL,
    kind text NOT NULL,
    epoch_index bigint NOT NULL,
    checkpoint bytea NOT NULL,
    through bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (room, kind, epoch_index, checkpoint, through)`,
}

// Ciphertext: not a byte shorter after an attempt to compress it.
const AFTERWARDS = `
  ALTER TABLE runs ALTER COLUMN body SET STORAGE EXTERNAL;
  ALTER TABLE chunks ALTER COLUMN envelope SET STORAGE EXTERNAL;
  CREATE INDEX replaced_since ON replaced (kind, at);
  CREATE INDEX documents_of_tenant ON documents (tenant) INCLUDE (bytes) WHERE tenant IS NOT NULL;
  CREATE TABLE shut_outs (who bytea PRIMARY KEY, since bigint NOT NULL)
`

/** What names a store to nodes that share one bus: drawn when it is made. */
export interface PostgresStoreInfo {
  id: string
}

/** Makes the tables where there are none, in `partitions` parts each (0: whole); throws RelayError `storage` for those of a later version. */
export async function preparePostgres(database: PostgresDatabase, partitions: number): Promise<PostgresStoreInfo> {
  if (!Number.isInteger(partitions) || partitions < 0 || partitions > MAX_PARTITIONS) {
    throw new RelayError('options', `store: partitions: a number from 0 to ${MAX_PARTITIONS}`)
  }
  const { version, id } = await database.transaction({ run: (queries) => prepare(queries, partitions) })
  if (version > POSTGRES_SCHEMA_VERSION) {
    throw new RelayError('storage', `the store has schema ${version}, this relay speaks ${POSTGRES_SCHEMA_VERSION}`)
  }
  return { id }
}

async function prepare(queries: Transaction, partitions: number): Promise<{ version: number; id: string }> {
  await queries.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
  const [found] = await queries.query<{ name: string | null }>(`SELECT to_regclass('relay_store')::text AS name`)
  if (!found?.name) await make(queries, partitions)
  const [store] = await queries.query<{ version: number; id: string }>('SELECT version, id::text FROM relay_store')
  if (!store) throw new RelayError('storage', 'the store has no version')
  return store
}

async function make(queries: Transaction, partitions: number): Promise<void> {
  const tables = Object.entries(TABLES).flatMap(([name, columns]) => {
    if (partitions === 0) return [`CREATE TABLE ${name} (${columns})`]
    const parts = Array.from({ length: partitions }, (_, part) => {
      const which = `FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${part})`
      return `CREATE TABLE ${name}_${part} PARTITION OF ${name} ${which}`
    })
    return [`CREATE TABLE ${name} (${columns}) PARTITION BY HASH (room)`, ...parts]
  })
  const store = `CREATE TABLE relay_store (version bigint NOT NULL, id uuid NOT NULL);
    INSERT INTO relay_store VALUES (${POSTGRES_SCHEMA_VERSION}, gen_random_uuid())`
  await queries.execute([...tables, AFTERWARDS, store].join(';\n'))
}
