import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { KeyServerError } from '../key-server-error.ts'
import { syncDirectory } from './durable-file.ts'
import { makeDirectory } from './make-directory.ts'
import { createMasterKey, readMasterKey, readOrCreateMasterKey } from './master-key.ts'
import { migrate } from './sqlite-schema.ts'

/** Only the owner; SQLite gives the journal files of the database the same mode. */
const FILE_MODE = 0o600

/** Another process of the same directory holds the lock for one commit, some milliseconds on a slow disk. */
const BUSY_TIMEOUT_MS = 5_000

/** SQLite waits for readers, but not for the checkpoint of another process: this is how long one of them takes. */
const CHECKPOINT_PAUSE_MS = 5

export interface KeyDatabase {
  readonly db: DatabaseSyncInstance
  /** What is beside the database, made with it; undefined where `withMaster` was false. */
  readonly master: Buffer | undefined
}

/** Tables of this version, and the master key beside them, unless it comes from elsewhere. `directory` may be `'memory'`. */
export function openKeyDatabase(directory: string, withMaster: boolean): KeyDatabase {
  const { db, master } = directory === 'memory' ? inMemory(withMaster) : inDirectory(directory, withMaster)
  try {
    db.exec('PRAGMA journal_mode = WAL')
    // FULL: an answered key has been fsynced, and survives the loss of power.
    db.exec('PRAGMA synchronous = FULL')
    // What is deleted or replaced is overwritten with zeros: a shredded key leaves nothing in a free page.
    db.exec('PRAGMA secure_delete = ON')
    // What VACUUM needs meanwhile stands in no file, whose blocks would be given to others.
    db.exec('PRAGMA temp_store = MEMORY')
    migrate(db)
    // All of it is looked at: a key that is not found any more must not be taken for one that never was.
    if (db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check !== 'ok') throw damaged()
  } catch (error) {
    db.close()
    throw error
  }
  return { db, master }
}

/** True if there are keys in the directory, which opening it would otherwise make. */
export function isKeyDirectory(directory: string): boolean {
  return existsSync(databasePath(directory))
}

/**
 * Nothing of what was replaced or deleted is left in the files: not in the journal, which holds pages as they were, and not between the rows of a
 * page, where SQLite leaves a copy of some that it has moved to another. All pages are written anew, in half a second per 100,000 keys.
 * @throws Error while another process reads for longer than the time-out
 */
export async function leaveNothingBehind(db: DatabaseSyncInstance): Promise<void> {
  db.exec('VACUUM')
  const lastTryMs = performance.now() + BUSY_TIMEOUT_MS
  while (!journalEmptied(db)) {
    if (performance.now() > lastTryMs) throw new Error('the journal is in use by another process')
    await delay(CHECKPOINT_PAUSE_MS)
  }
}

function journalEmptied(db: DatabaseSyncInstance): boolean {
  return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0
}

const damaged = () => new KeyServerError('store-damaged', 'the key database is damaged: restore it from a backup')

function inMemory(withMaster: boolean): KeyDatabase {
  return { db: new DatabaseSync(':memory:'), master: withMaster ? createMasterKey() : undefined }
}

function inDirectory(directory: string, withMaster: boolean): KeyDatabase {
  makeDirectory(directory)
  const path = databasePath(directory)
  const master = withMaster ? masterBeside(directory) : undefined
  closeSync(openSync(path, 'a', FILE_MODE))
  chmodSync(path, FILE_MODE)
  syncDirectory(directory)

  return { db: new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }), master }
}

function masterBeside(directory: string): Buffer {
  const path = join(directory, 'master.key')
  // The master key is always there first: a database without one has lost it.
  const master = isKeyDirectory(directory) ? readMasterKey(path) : readOrCreateMasterKey(path)
  chmodSync(path, FILE_MODE)
  return master
}

function databasePath(directory: string): string {
  return join(directory, 'keys.sqlite')
}
