import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { keyHintOf } from './key-hint.ts'
import type { KeptEpoch } from './log-store.ts'
import type { Tables } from './sqlite-tables.ts'

interface Row {
  epochIndex: number
  bytes: Uint8Array
  runs: number
  checkpoints: number
}

/** For people who ask: counts the runs of every epoch of a room. */
export function createKeptEpochs(database: DatabaseSyncInstance, tables: Tables): (room: string) => KeptEpoch[] {
  const all = database.prepare(
    `SELECT epoch_index AS epochIndex, bytes,
       (SELECT count(*) FROM runs WHERE runs.document = records.document AND runs.epoch_index = records.epoch_index) AS runs,
       (SELECT count(*) FROM checkpoints WHERE checkpoints.document = records.document
          AND checkpoints.epoch_index = records.epoch_index) AS checkpoints
     FROM records WHERE document = ? ORDER BY epoch_index`,
  )
  return (room) => {
    const document = tables.rows.document(room)
    const rows: Row[] = document ? all.all(document.id) : []
    return rows.map(({ epochIndex, bytes, runs, checkpoints }) => ({
      index: epochIndex,
      keyHint: keyHintOf(bytes),
      isNeeded: runs > 0 || checkpoints > 0 || epochIndex === document?.state.head.index,
    }))
  }
}
