import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { KeyServerError } from '../key-server-error.ts'
import { SEALER } from './key-rows.ts'
import { inTransaction } from './sqlite-transaction.ts'

const TABLES = `
  CREATE TABLE document_keys (
    -- UTF-8 as BLOB: the driver cuts text at a NUL, and "a" would then be given the key of "a\\0b".
    document   BLOB NOT NULL,
    hint       BLOB NOT NULL,
    epoch      INTEGER NOT NULL,
    active     INTEGER NOT NULL CHECK (active IN (0, 1)),
    sealed     BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (document, hint),
    UNIQUE (document, epoch)
  ) STRICT, WITHOUT ROWID;

  -- What makes concurrent requests for a first key safe even between processes.
  CREATE UNIQUE INDEX one_active_key ON document_keys (document) WHERE active = 1;

  CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
`

/** Rotation: keys that are gone and yet remembered, and the record hash of each. SQLite changes no constraint in place. */
const STATES_AND_RECORDS = `
  CREATE TABLE document_keys_2 (
    document   BLOB NOT NULL,
    hint       BLOB NOT NULL,
    epoch      INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('active', 'inactive', 'shredded', 'lost')),
    sealed     BLOB CHECK ((sealed IS NOT NULL) = (state IN ('active', 'inactive'))),
    record     BLOB CHECK (length(record) = 32),
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (document, hint),
    UNIQUE (document, epoch)
  ) STRICT, WITHOUT ROWID;

  INSERT INTO document_keys_2 (document, hint, epoch, state, sealed, created_ms)
    SELECT document, hint, epoch, iif(active, 'active', 'inactive'), sealed, created_ms FROM document_keys;
  DROP TABLE document_keys;
  ALTER TABLE document_keys_2 RENAME TO document_keys;

  CREATE UNIQUE INDEX one_active_key ON document_keys (document) WHERE state = 'active';
`

/** How a key comes of what is sealed, and which sealing key that is under: until here there was one way, and one key. */
const ORIGINS_AND_SEALERS = `
  ALTER TABLE document_keys ADD COLUMN origin TEXT NOT NULL DEFAULT 'stored';
  ALTER TABLE document_keys ADD COLUMN sealed_by TEXT;
  UPDATE document_keys SET sealed_by = (SELECT value FROM settings WHERE name = 'master-key') WHERE sealed IS NOT NULL;
  CREATE INDEX keys_by_sealer ON document_keys (sealed_by) WHERE sealed_by IS NOT NULL;
`

/** Each brings the tables from the version of its index to the next. A new database goes through all of them. */
const MIGRATIONS = [TABLES, STATES_AND_RECORDS, ORIGINS_AND_SEALERS]

/**
 * Brings the tables to this version, in one transaction: processes that start together do it once.
 * @throws KeyServerError `store-unsupported`
 */
export function migrate(db: DatabaseSyncInstance): void {
  inTransaction(db, () => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version > MIGRATIONS.length) {
      throw new KeyServerError('store-unsupported', `the database has version ${version}, this is ${MIGRATIONS.length}`)
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  })
}

/** The value of a setting: that which is kept, or this from now on. */
export function keepSqliteSetting(db: DatabaseSyncInstance, name: string, value: string): string {
  db.prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, value)
  return sqliteSetting(db, name) ?? value
}

export function sqliteSetting(db: DatabaseSyncInstance, name: string): string | undefined {
  const value = db.prepare('SELECT value FROM settings WHERE name = ?').get(name)?.value
  return typeof value === 'string' ? value : undefined
}

/** See `KeyRows.sealers`. */
export function sqliteSealers(db: DatabaseSyncInstance): string[] {
  const rows = db.prepare('SELECT DISTINCT sealed_by AS id FROM document_keys WHERE sealed_by IS NOT NULL').all()
  return [sqliteSetting(db, SEALER) ?? '', ...rows.map(({ id }) => String(id))]
}
