import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { KeyServerError } from './key-server-error.ts'

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

/** Each brings the tables from the version of its index to the next. A new database goes through all of them. */
const MIGRATIONS = [TABLES, STATES_AND_RECORDS]

/**
 * Brings the tables to this version, in one transaction: processes that start together do it once.
 * @throws KeyServerError `store-unsupported`, `master-key-wrong`
 */
export function migrate(db: DatabaseSyncInstance, masterFingerprint: string): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version > MIGRATIONS.length) {
      throw new KeyServerError('store-unsupported', `the database has version ${version}, this is ${MIGRATIONS.length}`)
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
    if (version === 0) {
      db.prepare("INSERT INTO settings (name, value) VALUES ('master-key', ?)").run(masterFingerprint)
    }
    const known = db.prepare("SELECT value FROM settings WHERE name = 'master-key'").get()
    if (known?.value !== masterFingerprint) {
      throw new KeyServerError('master-key-wrong', 'the database was sealed under another master key')
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
