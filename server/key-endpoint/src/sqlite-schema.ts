import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { KeyServerError } from './key-server-error.ts'

/** Raised with each change of the tables, which then needs a migration here. */
const SCHEMA_VERSION = 1

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

/** Creates the tables in a new database; leaves one of this version as it is. */
export function migrate(db: DatabaseSyncInstance, masterFingerprint: string): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version > SCHEMA_VERSION) {
      throw new KeyServerError('store-unsupported', `the database has version ${version}, this is ${SCHEMA_VERSION}`)
    }
    if (version === 0) {
      db.exec(TABLES)
      db.prepare("INSERT INTO settings (name, value) VALUES ('master-key', ?)").run(masterFingerprint)
      db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    }
    const known = db.prepare("SELECT value FROM settings WHERE name = 'master-key'").get()
    if (known?.value !== masterFingerprint) {
      throw new KeyServerError('master-key-wrong', 'the database was sealed under another master key')
    }
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}
