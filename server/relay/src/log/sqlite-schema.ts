import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import type { Durability } from './durability.ts'
import { addCheckpoints } from './sqlite-schema-checkpoints.ts'
import { addQuotas } from './sqlite-schema-quotas.ts'

// 32 MiB of pages: the head of every busy log is written again with each commit, and copied back only once per round.
const WAL_PAGES = 8_192

// Room names are bytes: a text column would compare them by its own rules.
// Runs and salts are looked up only by their primary keys: without a rowid each is one tree instead of two.
const FIRST_TABLES = `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    room BLOB NOT NULL UNIQUE,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    head_record INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE records (
    document INTEGER NOT NULL REFERENCES documents (id),
    epoch_index INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    hash BLOB NOT NULL,
    after_sequence INTEGER NOT NULL,
    PRIMARY KEY (document, epoch_index)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (
    document INTEGER NOT NULL REFERENCES documents (id),
    first_sequence INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    epoch_index INTEGER NOT NULL,
    hash_before BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (document, first_sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE salts (
    document INTEGER NOT NULL REFERENCES documents (id),
    salt BLOB NOT NULL,
    session INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    PRIMARY KEY (document, salt)
  ) STRICT, WITHOUT ROWID;
`

// The lease and the pause lie in the document's row, with the store's clock (unix ms, 0 = none): append and open read them
// under the lock that gives the sequences. `pause_session` and `pause_again_at` outlive the pause that has run out.
// Chunks are large, so they get a rowid, and their key an index of its own.
const EPOCHS = `
  ALTER TABLE documents ADD COLUMN lease_session INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN lease_purpose TEXT NOT NULL DEFAULT '';
  ALTER TABLE documents ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_until INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_session INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_again_at INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE checkpoints (
    document INTEGER NOT NULL REFERENCES documents (id),
    epoch_index INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (document, epoch_index, chunk)
  ) STRICT;
`

// What is durable and not yet in the tables of its document (sqlite-journal.ts).
const JOURNAL = `
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    runs BLOB NOT NULL
  ) STRICT;
`

/** Each takes a store from the version that is its place to the next. */
const STEPS: readonly ((database: DatabaseSyncInstance) => void)[] = [
  (database) => database.exec(FIRST_TABLES),
  (database) => database.exec(EPOCHS),
  addCheckpoints,
  (database) => database.exec(JOURNAL),
  addQuotas,
]

/** Stored as `user_version`; a file of a later version is refused, never guessed at. */
export const SCHEMA_VERSION = STEPS.length

/** `add`: an older store gets what it lacks. `refuse`: it is left as it is. */
export type OlderSchema = 'add' | 'refuse'

/** Makes the tables in a new file, adds to an older one what it lacks; throws RelayError `storage` for a later one. */
export function prepareSchema(database: DatabaseSyncInstance, durability: Durability, older: OlderSchema): void {
  const version = schemaOf(database)
  if (older === 'refuse' && version < SCHEMA_VERSION) {
    throw new RelayError(
      'storage',
      `the store has schema ${version}, this relay writes ${SCHEMA_VERSION}: migrate it first`,
    )
  }
  // WAL with FULL: a commit is on the disk when COMMIT returns, which is what an ack promises. With NORMAL it is there when the WAL is
  // copied back; until then only the operating system has it, and the file stays sound whatever happens.
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
  database.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`)
  if (version < SCHEMA_VERSION) addMissing(database, 'keep')
}

/** Of a file that has no tables 0. Throws RelayError `storage` for a version after this relay's: nobody knows what it means. */
export function schemaOf(database: DatabaseSyncInstance): number {
  const { user_version: version }: { user_version: number } = database.prepare('PRAGMA user_version').get()
  if (version > SCHEMA_VERSION) {
    throw new RelayError(
      'storage',
      `the store has schema ${version}, this relay speaks ${SCHEMA_VERSION}: there is no way back to an older one`,
    )
  }
  return version
}

/** Takes every step that a store lacks, all or none: a file of no version at all could not be opened by anybody. `undo`: to see whether it could. */
export function addMissing(database: DatabaseSyncInstance, end: 'keep' | 'undo'): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of STEPS.slice(schemaOf(database))) step(database)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    database.exec(end === 'keep' ? 'COMMIT' : 'ROLLBACK')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
