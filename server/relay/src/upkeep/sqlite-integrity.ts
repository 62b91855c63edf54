import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'

/** Throws RelayError `storage` for what SQLite finds wrong in the structure of a file. */
export function checkIntegrity(database: DatabaseSyncInstance): void {
  const rows: { integrity_check: string }[] = database.prepare('PRAGMA integrity_check(1)').all()
  const [found] = rows
  if (found?.integrity_check !== 'ok')
    throw new RelayError('storage', `the database is damaged: ${found?.integrity_check}`)
}
