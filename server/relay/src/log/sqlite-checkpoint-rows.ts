import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { Place } from '@y-sealed/protocol'

/** A checkpoint on its way into the store. */
export interface NewCheckpoint extends Place {
  epochIndex: number
  /** Of all its chunks, 16 bytes. */
  salt: Uint8Array
  /** Its author's; '' where an epoch began with it. */
  subject: string
  isNamed: boolean
  storedAtUnixMs: number
}

export interface StoredCheckpoint extends NewCheckpoint {
  id: number
  /** How many. */
  chunks: number
}

interface CheckpointRow {
  id: number
  epochIndex: number
  sequence: number
  checkpoint: Uint8Array
  hash: Uint8Array
  bytes: number
  chunks: number
  salt: Uint8Array
  subject: string
  isNamed: number
  storedAtUnixMs: number
}

const COLUMNS = `id, epoch_index AS epochIndex, sequence, name AS checkpoint, hash, bytes, chunks, salt, subject,
  is_named AS isNamed, stored_at AS storedAtUnixMs`

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
    insert(document: number, checkpoint: NewCheckpoint, envelopes: readonly Uint8Array[]): StoredCheckpoint {
      const { epochIndex, sequence, checkpoint: name, hash, bytes, salt, subject, isNamed, storedAtUnixMs } = checkpoint
      const count = envelopes.length
      const columns = [epochIndex, sequence, name, hash, bytes, count, salt, subject, isNamed ? 1 : 0, storedAtUnixMs]
      const id = Number(insert.run(document, ...columns).lastInsertRowid)
      for (const [i, envelope] of envelopes.entries()) insertChunk.run(id, i + 1, envelope)
      return { ...checkpoint, id, chunks: count }
    },
    /** The checkpoint with this hash. */
    called(document: number, name: Uint8Array): StoredCheckpoint | undefined {
      const row: CheckpointRow | undefined = called.get(document, name)
      return row && toCheckpoint(row)
    },
    /** Newest first. */
    ofEpoch(document: number, epochIndex: number, max: number): StoredCheckpoint[] {
      const rows: CheckpointRow[] = ofEpoch.all(document, epochIndex, max)
      return rows.map(toCheckpoint)
    },
    newest(document: number, epochIndex: number): StoredCheckpoint | undefined {
      const row: CheckpointRow | undefined = ofEpoch.get(document, epochIndex, 1)
      return row && toCheckpoint(row)
    },
    /** The newest that counts as named. */
    base(document: number, epochIndex: number): StoredCheckpoint | undefined {
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

function toCheckpoint({ isNamed, ...row }: CheckpointRow): StoredCheckpoint {
  return { ...row, isNamed: isNamed === 1 }
}
