import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { Usage } from './log-store.ts'
import { headRecord, type Tables } from './sqlite-tables.ts'

const NONE: Usage = { entries: 0, entryBytes: 0, checkpointBytes: 0, historyEntries: 0, historyBytes: 0, records: 0 }

/** Reads the size of every run of a room, not the runs themselves: for people who ask, not for each request. */
export function createUsage(database: DatabaseSyncInstance, tables: Tables): (room: string) => Usage {
  const runsAfter = database.prepare(
    `SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(length(body)), 0) AS bytes FROM runs
       WHERE document = ? AND first_sequence + entries - 1 > ?`,
  )
  const allChunks = database.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM checkpoints WHERE document = ?')
  const allRecords = database.prepare('SELECT count(*) AS records FROM records WHERE document = ?')

  return (room) => {
    const document = tables.rows.document(room)
    if (!document) return NONE
    const { id, state } = document
    const base = tables.checkpoints.base(id, state.head.index)
    const newest = tables.checkpoints.newest(id, state.head.index)
    const after = base?.sequence ?? headRecord(tables, document).after
    const all: { entries: number; bytes: number } = runsAfter.get(id, 0)
    const tail: { bytes: number } = runsAfter.get(id, after)
    const chunks: { bytes: number } = allChunks.get(id)
    const { records }: { records: number } = allRecords.get(id)
    const entries = state.sequence - after
    const checkpointBytes = (base?.bytes ?? 0) + (newest && newest.id !== base?.id ? newest.bytes : 0)
    return {
      entries,
      entryBytes: tail.bytes,
      checkpointBytes,
      historyEntries: all.entries - entries,
      historyBytes: all.bytes - tail.bytes + chunks.bytes - checkpointBytes,
      records,
    }
  }
}
