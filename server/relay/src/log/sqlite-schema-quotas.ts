import type { DatabaseSyncInstance } from '@photostructure/sqlite'

/**
 * What each document and each tenant takes, kept by triggers: whoever writes or deletes rows cannot forget it. Of a
 * checkpoint the bytes count until nobody finds it any more; its chunks are gone a moment later. `opened_at` (unix ms) is 0 for
 * the epochs of before.
 */
const COUNTED = `
  ALTER TABLE documents ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE documents ADD COLUMN tenant TEXT;
  ALTER TABLE records ADD COLUMN opened_at INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  UPDATE documents SET bytes =
    (SELECT coalesce(sum(length(body)), 0) FROM runs WHERE document = documents.id)
    + (SELECT coalesce(sum(bytes), 0) FROM checkpoints WHERE document = documents.id);
  CREATE TRIGGER run_added AFTER INSERT ON runs BEGIN
    UPDATE documents SET bytes = bytes + length(new.body) WHERE id = new.document;
  END;
  CREATE TRIGGER run_deleted AFTER DELETE ON runs BEGIN
    UPDATE documents SET bytes = bytes - length(old.body) WHERE id = old.document;
  END;
  CREATE TRIGGER checkpoint_added AFTER INSERT ON checkpoints BEGIN
    UPDATE documents SET bytes = bytes + new.bytes WHERE id = new.document;
  END;
  CREATE TRIGGER checkpoint_deleted AFTER DELETE ON checkpoints BEGIN
    UPDATE documents SET bytes = bytes - old.bytes WHERE id = old.document;
  END;
  CREATE TRIGGER tenant_counted AFTER UPDATE OF bytes ON documents WHEN new.tenant IS NOT NULL BEGIN
    UPDATE tenants SET bytes = bytes + new.bytes - old.bytes WHERE name = new.tenant;
  END;
`

export function addQuotas(database: DatabaseSyncInstance): void {
  database.exec(COUNTED)
}
