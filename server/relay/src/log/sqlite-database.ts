import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import type { Durability } from './durability.ts'
import type { Transaction } from './group-commit.ts'
import { makeDirectory } from './make-directory.ts'
import { holdDirectory } from './sqlite-hold.ts'
import { type OlderSchema, prepareSchema } from './sqlite-schema.ts'

/** In a data directory. */
export const DATABASE_FILE = 'relay.db'

/** A database that nobody else writes. */
export interface HeldDatabase {
  database: DatabaseSyncInstance
  /** Closes it, and lets others have it. */
  close(): void
}

/** The file in this directory (made if missing, mode 700), or one that lives as long as the process. Throws RelayError `storage`. */
export function openDatabase(data: string, durability: Durability, older: OlderSchema = 'add'): HeldDatabase {
  return usable('the data directory cannot be used', () => {
    if (data !== 'memory') makeDirectory(data)
    const release = data === 'memory' ? () => {} : holdDirectory(data)
    try {
      const database = openFile(data === 'memory' ? ':memory:' : join(data, DATABASE_FILE), durability, older)
      return {
        database,
        close() {
          database.close()
          release()
        },
      }
    } catch (error) {
      release()
      throw error
    }
  })
}

function openFile(file: string, durability: Durability, older: OlderSchema): DatabaseSyncInstance {
  const database = new DatabaseSync(file)
  try {
    // Nothing in it can be read without keys, yet who writes when and how much is nobody else's business.
    if (file !== ':memory:') chmodSync(file, 0o600)
    prepareSchema(database, durability, older)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** What `use` gives; RelayError `storage` in place of what SQLite or the system says of a file that cannot be used. */
export function usable<T>(message: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    if (error instanceof RelayError) throw error
    throw new RelayError('storage', `${message}: ${faultOf(error)}`, { cause: error })
  }
}

/** What SQLite or the system calls the fault: its words, which never quote content. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'sqliteCodeName' in error ? `${error.message} (${error.sqliteCodeName})` : error.message
}

export function transactionOf(database: DatabaseSyncInstance): Transaction {
  return {
    begin: () => database.exec('BEGIN IMMEDIATE'),
    commit: () => database.exec('COMMIT'),
    rollback: () => {
      // A failure such as a full disk may have ended the transaction already, or the store is closed; a second error would hide the first.
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
    },
  }
}
