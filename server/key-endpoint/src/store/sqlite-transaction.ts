import type { DatabaseSyncInstance } from '@photostructure/sqlite'

/** IMMEDIATE: looking and changing are one step, for other processes too. */
export function inTransaction<T>(db: DatabaseSyncInstance, run: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = run()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
