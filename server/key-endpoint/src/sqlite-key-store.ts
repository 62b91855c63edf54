import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { syncDirectory } from './durable-file.ts'
import type { IssuedKey, KeyStore } from './key-store.ts'
import { createMasterKey, masterKeyFingerprint, readMasterKey, readOrCreateMasterKey } from './master-key.ts'
import { createKey, createKeyHint } from './new-key.ts'
import { openAtRest, sealAtRest } from './sealed-at-rest.ts'
import { migrate } from './sqlite-schema.ts'

/** Only the owner; also for the database, whose journal files SQLite gives the same mode. */
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/** Another process of the same directory holds the lock for one commit, some milliseconds on a slow disk. */
const BUSY_TIMEOUT_MS = 5_000

interface Row {
  readonly hint: Uint8Array
  readonly epoch: number
  readonly active: number
  readonly sealed: Uint8Array
}

/**
 * Keys in SQLite, each sealed under a master key in a file beside the database: a copy of the database alone opens
 * nothing. `directory` may be `'memory'`: then all is gone at close.
 * @throws KeyServerError `master-key-missing`, `master-key-invalid`, `master-key-wrong`, `store-unsupported`
 */
export function openSqliteKeyStore(directory: string): KeyStore {
  const { db, master } = directory === 'memory' ? inMemory() : inDirectory(directory)
  try {
    migrate(db, masterKeyFingerprint(master))
  } catch (error) {
    db.close()
    throw error
  }
  return createStore(db, master)
}

function inMemory(): { db: DatabaseSyncInstance; master: Buffer } {
  return { db: new DatabaseSync(':memory:'), master: createMasterKey() }
}

function inDirectory(directory: string): { db: DatabaseSyncInstance; master: Buffer } {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE })
  const path = join(directory, 'keys.sqlite')
  const masterPath = join(directory, 'master.key')
  // The master key is always there first: a database without one has lost it.
  const master = existsSync(path) ? readMasterKey(masterPath) : readOrCreateMasterKey(masterPath)
  closeSync(openSync(path, 'a', FILE_MODE))
  for (const file of [path, masterPath]) chmodSync(file, FILE_MODE)
  syncDirectory(directory)

  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  db.exec('PRAGMA journal_mode = WAL')
  // FULL: an answered key has been fsynced, and survives the loss of power.
  db.exec('PRAGMA synchronous = FULL')
  return { db, master }
}

function createStore(db: DatabaseSyncInstance, master: Buffer): KeyStore {
  const columns = 'hint, epoch, active, sealed FROM document_keys'
  const statements = {
    active: db.prepare(`SELECT ${columns} WHERE document = ? AND active = 1`),
    byHint: db.prepare(`SELECT ${columns} WHERE document = ? AND hint = ?`),
    lastEpoch: db.prepare('SELECT max(epoch) AS epoch FROM document_keys WHERE document = ?'),
    insert: db.prepare(
      'INSERT INTO document_keys (document, hint, epoch, active, sealed, created_ms) VALUES (?, ?, ?, 1, ?, ?)',
    ),
  }

  function open(documentId: string, row: unknown): IssuedKey | undefined {
    if (row === undefined) return undefined
    // The columns are those selected above, and the tables are STRICT.
    const { hint, epoch, active, sealed } = row as Row
    const keyHint = Buffer.from(hint).toString('utf8')
    return { key: openAtRest(master, { documentId, keyHint }, sealed), keyHint, epoch, active: active === 1 }
  }

  const current = (documentId: string) => open(documentId, statements.active.get(utf8(documentId)))

  function issue(documentId: string): IssuedKey {
    const key = createKey()
    const keyHint = createKeyHint()
    const epoch = Number(statements.lastEpoch.get(utf8(documentId))?.epoch ?? 0) + 1
    const sealed = sealAtRest(master, { documentId, keyHint }, key)
    statements.insert.run(utf8(documentId), utf8(keyHint), epoch, sealed, Date.now())
    return { key, keyHint, epoch, active: true }
  }

  return {
    current: async (documentId) => current(documentId),
    find: async (documentId, keyHint) => open(documentId, statements.byHint.get(utf8(documentId), utf8(keyHint))),
    async currentOrNew(documentId) {
      // IMMEDIATE: looking and issuing are one step, for other processes too.
      db.exec('BEGIN IMMEDIATE')
      try {
        const issued = current(documentId) ?? issue(documentId)
        db.exec('COMMIT')
        return issued
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    async close() {
      db.close()
    },
  }
}

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}
