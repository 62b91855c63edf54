import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { checkpointHash, chunkHash, startHash } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'

// `sole_subject` NULL: whoever wrote last before this version is not known, and nobody is taken for him.
// The entries of an epoch through `pruned_through` are gone, and H after that one is `pruned_hash`; 0 = all are there.
// `last_sequence` and `used_at` (unix ms) tell when a salt may be forgotten; 0: it was used before this version, never.
// AUTOINCREMENT: the number of a checkpoint that is gone still names its chunks until they are gone too.
// `replaced` holds what is not needed any more, and since when (unix ms): when it goes is not stored, an operator may
// change that. `kind`: draft (an unnamed checkpoint), base (a checkpoint, 0 = none, and the entries of its epoch through
// `through`), epoch (all of it).
const TABLES = `
  ALTER TABLE documents ADD COLUMN sole_subject TEXT;
  ALTER TABLE documents ADD COLUMN sole_since INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN pruned_through INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN pruned_hash BLOB;
  ALTER TABLE salts ADD COLUMN last_sequence INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE salts ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE checkpoints RENAME TO first_checkpoints;
  CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (id),
    epoch_index INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    name BLOB NOT NULL,
    hash BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    salt BLOB NOT NULL,
    subject TEXT NOT NULL,
    is_named INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    UNIQUE (document, epoch_index, sequence)
  ) STRICT;
  CREATE INDEX checkpoint_names ON checkpoints (document, name);
  CREATE TABLE chunks (
    checkpoint INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (checkpoint, chunk)
  ) STRICT;
  CREATE TABLE replaced (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id),
    epoch_index INTEGER NOT NULL,
    kind TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    through INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX replaced_since ON replaced (kind, at);
`

/** What an old epoch is due since, where it was replaced before anybody wrote that down: long enough. */
const LONG_AGO = 0

interface FirstCheckpoint {
  document: number
  epochIndex: number
  recordHash: Uint8Array
  after: number
}

/**
 * Checkpoints of any place in the log, what replaces what, and what is gone. The checkpoints with which epochs began were
 * named by their epochs; from here on they have hashes, as all others.
 */
export function addCheckpoints(database: DatabaseSyncInstance): void {
  database.exec(TABLES)
  const first: FirstCheckpoint[] = database
    .prepare(
      `SELECT document, epoch_index AS epochIndex, hash AS recordHash, after_sequence AS after FROM records
         WHERE EXISTS (SELECT 1 FROM first_checkpoints AS chunks
           WHERE chunks.document = records.document AND chunks.epoch_index = records.epoch_index)`,
    )
    .all()
  for (const checkpoint of first) moveFirst(database, checkpoint)
  database.exec('DROP TABLE first_checkpoints')
  database.exec(
    `INSERT INTO replaced (document, epoch_index, kind, checkpoint, through, at)
       SELECT document, epoch_index, 'epoch', 0, 0, ${LONG_AGO} FROM records JOIN documents ON document = documents.id
         WHERE epoch_index <> head_record`,
  )
}

function moveFirst(database: DatabaseSyncInstance, { document, epochIndex, recordHash, after }: FirstCheckpoint): void {
  const insert = database.prepare(
    `INSERT INTO checkpoints (document, epoch_index, sequence, name, hash, bytes, chunks, salt, subject, is_named, stored_at)
       VALUES (?, ?, ?, x'', ?, 0, 0, x'', '', 1, ?)`,
  )
  const { lastInsertRowid } = insert.run(document, epochIndex, after, startHash(recordHash), LONG_AGO)
  const id = Number(lastInsertRowid)
  const chunks: Iterable<{ chunk: number; envelope: Uint8Array }> = database
    .prepare('SELECT chunk, envelope FROM first_checkpoints WHERE document = ? AND epoch_index = ? ORDER BY chunk')
    .iterate(document, epochIndex)
  const insertChunk = database.prepare('INSERT INTO chunks VALUES (?, ?, ?)')
  const hashes: Uint8Array[] = []
  let bytes = 0
  let salt = new Uint8Array(0)
  // One chunk in memory at a time, however many documents there are.
  for (const { chunk, envelope } of chunks) {
    insertChunk.run(id, chunk, envelope)
    hashes.push(chunkHash(envelope))
    bytes += envelope.length
    salt = new Uint8Array(parseHeader(envelope).salt)
  }
  database
    .prepare('UPDATE checkpoints SET name = ?, bytes = ?, chunks = ?, salt = ? WHERE id = ?')
    .run(checkpointHash(hashes), bytes, hashes.length, salt, id)
}
