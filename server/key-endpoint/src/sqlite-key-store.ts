import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { nextEpoch } from './epoch-number.ts'
import type { IssuedKey, KeyEntry, KeyState, KeyStore } from './key-store.ts'
import { createKey, createKeyHint } from './new-key.ts'
import { openAtRest, sealAtRest } from './sealed-at-rest.ts'
import { emptyJournal, inTransaction, type KeyDatabase, openKeyDatabase } from './sqlite-database.ts'
import { damageOf, tellingOfDamage } from './store-damage.ts'

interface Row {
  readonly hint: Uint8Array
  readonly epoch: number
  readonly state: KeyState
  readonly sealed: Uint8Array | null
  readonly record: Uint8Array | null
  readonly created_ms: number
}

/**
 * Keys in SQLite, each sealed under a master key in a file beside the database: a copy of the database alone opens
 * nothing. `directory` may be `'memory'`: then all is gone at close.
 * @throws KeyServerError `master-key-missing`, `master-key-invalid`, `master-key-wrong`, `store-unsupported`, `store-damaged`;
 *   its calls reject with the last one too
 */
export function openSqliteKeyStore(directory: string): KeyStore {
  try {
    const database = openKeyDatabase(directory)
    try {
      return tellingOfDamage(createStore(database))
    } catch (error) {
      database.db.close()
      throw error
    }
  } catch (error) {
    throw damageOf(error)
  }
}

function createStore({ db, master }: KeyDatabase): KeyStore {
  const sql = prepareStatements(db)

  function open(documentId: string, row: Row | undefined): IssuedKey | undefined {
    if (!row?.sealed) return undefined
    const { keyHint, epoch, state, record, createdMs } = entryOf(row)
    const key = openAtRest(master, { documentId, keyHint }, row.sealed)
    return { key, keyHint, epoch, active: state === 'active', record, createdMs }
  }

  const rowOf = (documentId: string, keyHint: string) => rowFrom(sql.byHint.get(utf8(documentId), utf8(keyHint)))

  function current(documentId: string, after?: string): IssuedKey | undefined {
    const document = utf8(documentId)
    const row = after === undefined ? sql.active.get(document) : sql.newer.get(document, document, utf8(after))
    return open(documentId, rowFrom(row))
  }

  function entry(documentId: string, keyHint: string): KeyEntry | undefined {
    const row = rowOf(documentId, keyHint)
    return row && entryOf(row)
  }

  function insert(documentId: string, keyHint: string, state: 'active' | 'lost', sealed: Uint8Array | null) {
    const last = Number(sql.lastEpoch.get(utf8(documentId))?.epoch ?? 0)
    const createdMs = Date.now()
    const epoch = nextEpoch(last, createdMs)
    sql.insert.run(utf8(documentId), utf8(keyHint), epoch, state, sealed, createdMs)
    return { keyHint, epoch, createdMs }
  }

  function issue(documentId: string): IssuedKey {
    const key = createKey()
    const keyHint = createKeyHint()
    sql.deactivateAny.run(utf8(documentId))
    const issued = insert(documentId, keyHint, 'active', sealAtRest(master, { documentId, keyHint }, key))
    return { ...issued, key, active: true, record: null }
  }

  function rotate(documentId: string, after: string | undefined): IssuedKey {
    if (after !== undefined) {
      const successor = current(documentId, after)
      if (successor) return successor
      // Remembered, so that all who leave this lost key find the one that takes its place.
      if (!rowOf(documentId, after)) insert(documentId, after, 'lost', null)
    }
    return issue(documentId)
  }

  return {
    current: async (documentId, after) => current(documentId, after),
    find: async (documentId, keyHint) => open(documentId, rowOf(documentId, keyHint)),
    currentOrNew: async (documentId) => inTransaction(db, () => current(documentId) ?? issue(documentId)),
    rotate: async (documentId, after) => inTransaction(db, () => rotate(documentId, after)),
    async keepRecord(documentId, keyHint, record) {
      sql.keepRecord.run(Buffer.from(record, 'base64url'), utf8(documentId), utf8(keyHint))
      return open(documentId, rowOf(documentId, keyHint))
    },
    async deactivate(documentId, keyHint) {
      sql.deactivate.run(utf8(documentId), utf8(keyHint))
      return entry(documentId, keyHint)
    },
    deactivateAll: async () => Number(sql.deactivateAll.run().changes),
    async shred(documentId, keyHint) {
      sql.shred.run(utf8(documentId), utf8(keyHint))
      // Also where it was shredded before: perhaps the journal could not be emptied then.
      emptyJournal(db)
      return entry(documentId, keyHint)
    },
    list: async (documentId) => rowsFrom(sql.all.all(utf8(documentId))).map(entryOf),
    documents: async () => sql.documents.all().map(({ document }) => text(document)),
    async close() {
      // What is left of a store should be one file, for whoever copies it.
      try {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      } finally {
        db.close()
      }
    },
  }
}

function prepareStatements(db: DatabaseSyncInstance) {
  const select = 'SELECT hint, epoch, state, sealed, record, created_ms FROM document_keys WHERE document = ?'
  const deactivate = "UPDATE document_keys SET state = 'inactive' WHERE state = 'active'"
  return {
    active: db.prepare(`${select} AND state = 'active'`),
    newer: db.prepare(
      `${select} AND state = 'active' AND epoch > (SELECT epoch FROM document_keys WHERE document = ? AND hint = ?)`,
    ),
    byHint: db.prepare(`${select} AND hint = ?`),
    all: db.prepare(`${select} ORDER BY epoch`),
    documents: db.prepare('SELECT DISTINCT document FROM document_keys ORDER BY document'),
    lastEpoch: db.prepare('SELECT max(epoch) AS epoch FROM document_keys WHERE document = ?'),
    insert: db.prepare(
      'INSERT INTO document_keys (document, hint, epoch, state, sealed, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    keepRecord: db.prepare(
      'UPDATE document_keys SET record = ? WHERE document = ? AND hint = ? AND record IS NULL AND sealed IS NOT NULL',
    ),
    deactivate: db.prepare(`${deactivate} AND document = ? AND hint = ?`),
    deactivateAny: db.prepare(`${deactivate} AND document = ?`),
    deactivateAll: db.prepare(deactivate),
    shred: db.prepare(
      `UPDATE document_keys SET state = 'shredded', sealed = NULL WHERE document = ? AND hint = ? AND state <> 'active'`,
    ),
  }
}

/** The columns are those selected above, and the tables are STRICT. */
function rowFrom(row: unknown): Row | undefined {
  return row as Row | undefined
}

function rowsFrom(rows: unknown[]): Row[] {
  return rows as Row[]
}

function entryOf({ hint, epoch, state, record, created_ms }: Row): KeyEntry {
  const hash = record && Buffer.from(record).toString('base64url')
  return { keyHint: text(hint), epoch, state, record: hash, createdMs: created_ms }
}

function utf8(value: string): Buffer {
  return Buffer.from(value, 'utf8')
}

function text(bytes: unknown): string {
  // A BLOB column.
  return Buffer.from(bytes as Uint8Array).toString('utf8')
}
