import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { NewChunk } from './log-store.ts'
import { CHECKPOINT, type StoredCheckpoint } from './stored-checkpoint.ts'

export interface SqliteCheckpoint extends StoredCheckpoint {
  id: number
}

interface CheckpointRow extends Omit<SqliteCheckpoint, 'isNamed'> {
  isNamed: number
}

const COLUMNS = `id, ${CHECKPOINT}`

export type CheckpointRows = ReturnType<typeof createCheckpointRows>

/** The checkpoints of all documents. The newest of an epoch is the one with the highest sequence; those before it are replaced, but for the base. */
export function createCheckpointRows(database: DatabaseSyncInstance) {
  const insert = database.prepare(
    `INSERT INTO checkpoints (document, epoch_index, sequence, name, hash, bytes, chunks, salt, subject, is_named, stored_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertChunk = database.prepare('INSERT INTO chunks VALUES (?, ?, ?)')
  const called = database.prepare(`SELECT ${COLUMNS} FROM checkpoints WHERE document = ? AND name = ?`)
  const ofEpoch = database.prepare(
    `SELECT ${COLUMNS} FROM checkpoints WHERE document = ? AND epoch_index = ? ORDER BY sequence DESC LIMIT ?`,
  )
  const base = database.prepare(
    `SELECT ${COLUMNS} FROM checkpoints WHERE document = ? AND epoch_index = ? AND is_named = 1
       ORDER BY sequence DESC LIMIT 1`,
  )
  const chunks = database.prepare(
    'SELECT envelope FROM chunks WHERE checkpoint = ? AND chunk BETWEEN ? AND ? ORDER BY chunk',
  )

  const setNamed = database.prepare('UPDATE checkpoints SET is_named = 1 WHERE id = ?')

  return {
    /** Stores it with its chunks, and returns it. */
    insert(document: number, checkpoint: StoredCheckpoint, envelopes: readonly NewChunk[]): SqliteCheckpoint {
      const { epochIndex, sequence, checkpoint: name, hash, bytes, chunks, salt, subject, isNamed } = checkpoint
      const columns = [epochIndex, sequence, name, hash, bytes, chunks, salt, subject, isNamed ? 1 : 0]
      const id = Number(insert.run(document, ...columns, checkpoint.storedAtUnixMs).lastInsertRowid)
      for (const { counter, envelope } of envelopes) insertChunk.run(id, counter, envelope)
      return { ...checkpoint, id }
    },
    /** The checkpoint with this hash. */
    called(document: number, name: Uint8Array): SqliteCheckpoint | undefined {
      const row: CheckpointRow | undefined = called.get(document, name)
      return row && toCheckpoint(row)
    },
    /** Newest first. */
    ofEpoch(document: number, epochIndex: number, max: number): SqliteCheckpoint[] {
      const rows: CheckpointRow[] = ofEpoch.all(document, epochIndex, max)
      return rows.map(toCheckpoint)
    },
    newest(document: number, epochIndex: number): SqliteCheckpoint | undefined {
      const row: CheckpointRow | undefined = ofEpoch.get(document, epochIndex, 1)
      return row && toCheckpoint(row)
    },
    /** The newest that counts as named. */
    base(document: number, epochIndex: number): SqliteCheckpoint | undefined {
      const row: CheckpointRow | undefined = base.get(document, epochIndex)
      return row && toCheckpoint(row)
    },
    setNamed(id: number): void {
      setNamed.run(id)
    },
    chunks(id: number, first: number, last: number): Iterable<{ envelope: Uint8Array }> {
      const rows: Iterable<{ envelope: Uint8Array }> = chunks.iterate(id, first, last)
      return rows
    },
  }
}

function toCheckpoint({ isNamed, ...row }: CheckpointRow): SqliteCheckpoint {
  return { ...row, isNamed: isNamed === 1 }
}
