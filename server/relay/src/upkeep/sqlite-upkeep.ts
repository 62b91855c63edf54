import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import { DATABASE_FILE, usable } from '../log/sqlite-database.ts'
import { holdDirectory } from '../log/sqlite-hold.ts'
import { addMissing, SCHEMA_VERSION, schemaOf } from '../log/sqlite-schema.ts'
import { checkIntegrity } from './sqlite-integrity.ts'

/** Gives back to the disk what deleted rows have left: bytes before and after. No relay may use the directory. Throws RelayError `storage`. */
export function vacuumSqlite(data: string): { before: number; after: number } {
  return withDatabase(data, (database, file) => {
    // What is in the write-ahead file belongs to both figures.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const before = statSync(file).size
    database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    return { before, after: statSync(file).size }
  })
}

/**
 * Takes a store to this relay's schema; with `undo` it only tries: every step is taken and undone. No relay may use the directory. Throws RelayError
 * `storage`, also for a store of a later schema.
 */
export function migrateSqlite(data: string, end: 'keep' | 'undo'): { from: number; to: number } {
  return withDatabase(data, (database) => {
    const from = schemaOf(database)
    if (from < SCHEMA_VERSION) addMissing(database, end)
    return { from, to: SCHEMA_VERSION }
  })
}

/** What SQLite finds wrong in the structure of the file is thrown as RelayError `storage`. No relay may use the directory. */
export function checkSqlite(data: string): void {
  withDatabase(data, checkIntegrity)
}

function withDatabase<T>(data: string, act: (database: DatabaseSyncInstance, file: string) => T): T {
  const file = join(data, DATABASE_FILE)
  if (!existsSync(file)) throw new RelayError('storage', `there is no store in ${data}`)
  return usable('the store cannot be used', () => {
    const release = holdDirectory(data)
    try {
      const database = new DatabaseSync(file)
      try {
        return act(database, file)
      } finally {
        database.close()
      }
    } finally {
      release()
    }
  })
}
