// As earlier versions have written it: a later one must not make its own past up.
export const VERSION_1 = `
  CREATE TABLE documents (id INTEGER PRIMARY KEY, room BLOB NOT NULL UNIQUE, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
    head_record INTEGER NOT NULL) STRICT;
  CREATE TABLE records (document INTEGER NOT NULL REFERENCES documents (id), epoch_index INTEGER NOT NULL, bytes BLOB NOT NULL,
    hash BLOB NOT NULL, after_sequence INTEGER NOT NULL, PRIMARY KEY (document, epoch_index)) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (document INTEGER NOT NULL REFERENCES documents (id), first_sequence INTEGER NOT NULL,
    entries INTEGER NOT NULL, epoch_index INTEGER NOT NULL, hash_before BLOB NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (document, first_sequence)) STRICT, WITHOUT ROWID;
  CREATE TABLE salts (document INTEGER NOT NULL REFERENCES documents (id), salt BLOB NOT NULL, session INTEGER NOT NULL,
    counter INTEGER NOT NULL, PRIMARY KEY (document, salt)) STRICT, WITHOUT ROWID;
`
export const VERSION_2 = `
  ALTER TABLE documents ADD COLUMN lease_session INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN lease_purpose TEXT NOT NULL DEFAULT '';
  ALTER TABLE documents ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_until INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_session INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN pause_again_at INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE checkpoints (document INTEGER NOT NULL REFERENCES documents (id), epoch_index INTEGER NOT NULL,
    chunk INTEGER NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (document, epoch_index, chunk)) STRICT;
`
