import type { PoolClient } from 'pg'
import { KeyServerError } from '../key-server-error.ts'

/** Names of ours, in a database that may be somebody else's as well. */
export const KEYS = 'y_sealed_document_keys'
export const SETTINGS = 'y_sealed_key_settings'

/** The same rows as in SQLite (`sqlite-schema.ts`), where each column has its reason. */
const TABLES = `
  CREATE TABLE ${KEYS} (
    -- UTF-8 as bytea: text has no NUL, and compares by a collation.
    document   bytea NOT NULL,
    hint       bytea NOT NULL,
    epoch      bigint NOT NULL,
    state      text NOT NULL CHECK (state IN ('active', 'inactive', 'shredded', 'lost')),
    origin     text NOT NULL,
    sealed     bytea CHECK ((sealed IS NOT NULL) = (state IN ('active', 'inactive'))),
    sealed_by  text CHECK ((sealed_by IS NOT NULL) = (sealed IS NOT NULL)),
    record     bytea CHECK (length(record) = 32),
    created_ms bigint NOT NULL,
    PRIMARY KEY (document, hint),
    UNIQUE (document, epoch)
  );
  CREATE UNIQUE INDEX y_sealed_one_active_key ON ${KEYS} (document) WHERE state = 'active';
  CREATE INDEX y_sealed_keys_by_sealer ON ${KEYS} (sealed_by) WHERE sealed_by IS NOT NULL;
`

/** Each brings the tables from the version of its index to the next. */
const MIGRATIONS = [TABLES]

/** Any number, as long as all instances have the same: they migrate one after the other. */
const MIGRATION_LOCK = 7_305_110

/**
 * Brings the tables to this version, in the transaction of this client.
 * @throws KeyServerError `store-unsupported`
 */
export async function migratePostgres(client: PoolClient): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  await client.query(`CREATE TABLE IF NOT EXISTS ${SETTINGS} (name text PRIMARY KEY, value text NOT NULL)`)
  const { rows } = await client.query<{ value: string }>(`SELECT value FROM ${SETTINGS} WHERE name = 'schema'`)
  const version = Number(rows[0]?.value ?? 0)
  if (version > MIGRATIONS.length) {
    throw new KeyServerError('store-unsupported', `the database has version ${version}, this is ${MIGRATIONS.length}`)
  }
  for (const migration of MIGRATIONS.slice(version)) await client.query(migration)
  await client.query(
    `INSERT INTO ${SETTINGS} (name, value) VALUES ('schema', $1) ON CONFLICT (name) DO UPDATE SET value = $1`,
    [String(MIGRATIONS.length)],
  )
}
