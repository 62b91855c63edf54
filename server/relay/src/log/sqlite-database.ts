import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import type { Transaction } from './group-commit.ts'
import { prepareSchema } from './sqlite-schema.ts'

/** The file in this directory (made if missing, mode 700), or one that lives as long as the process. Throws RelayError `storage`. */
export function openDatabase(data: string): DatabaseSyncInstance {
  return usable('the data directory cannot be used', () => {
    if (data !== 'memory') mkdirSync(data, { recursive: true, mode: 0o700 })
    const file = data === 'memory' ? ':memory:' : join(data, 'relay.db')
    const database = new DatabaseSync(file)
    // Nothing in it can be read without keys, yet who writes when and how much is nobody else's business.
    if (data !== 'memory') chmodSync(file, 0o600)
    prepareSchema(database)
    return database
  })
}

/** What `use` gives; RelayError `storage` in place of what SQLite or the system says of a file that cannot be used. */
export function usable<T>(message: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    if (error instanceof RelayError) throw error
    throw new RelayError('storage', message, { cause: error })
  }
}

export function transactionOf(database: DatabaseSyncInstance): Transaction {
  return {
    begin: () => database.exec('BEGIN IMMEDIATE'),
    commit: () => database.exec('COMMIT'),
    rollback: () => {
      // A failure such as a full disk may have ended the transaction already; a second end would hide the first error.
      if (database.isTransaction) database.exec('ROLLBACK')
    },
  }
}
