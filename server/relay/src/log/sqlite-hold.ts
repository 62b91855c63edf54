import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'

/**
 * Takes a data directory for this process, until the returned function is called or the process ends, however it does: the lock is the
 * system's, on a file of its own, so that others may read `relay.db` meanwhile. A second relay would end the leases of the first and
 * know nothing of its journal. Throws RelayError `storage`.
 */
export function holdDirectory(data: string): () => void {
  const lock = new DatabaseSync(join(data, 'relay.lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw isLocked(error) ? new RelayError('storage', 'another process has this data directory') : error
  }
  return () => lock.close()
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'sqliteCodeName' in error && error.sqliteCodeName === 'SQLITE_BUSY'
}
