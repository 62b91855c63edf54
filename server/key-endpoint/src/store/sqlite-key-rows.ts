import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { nextEpoch } from './epoch-number.ts'
import { hintTaken } from './hint-taken.ts'
import { type KeyRow, type KeyRows, type NewRow, SEALER } from './key-rows.ts'
import type { KeyState } from './key-store.ts'
import { leaveNothingBehind } from './sqlite-database.ts'
import { sqliteSealers } from './sqlite-schema.ts'
import { inTransaction } from './sqlite-transaction.ts'

interface Columns {
  readonly document: Uint8Array
  readonly hint: Uint8Array
  readonly epoch: number
  readonly state: KeyState
  readonly origin: string
  readonly sealed: Uint8Array | null
  readonly sealed_by: string | null
  readonly record: Uint8Array | null
  readonly created_ms: number
}

/** Rows in SQLite. One connection, whose calls are synchronous: what others see is always between two of them. */
export function createSqliteKeyRows(db: DatabaseSyncInstance): KeyRows {
  const sql = prepareStatements(db)

  function active(documentId: string, after?: string): KeyRow | undefined {
    const document = utf8(documentId)
    return rowFrom(after === undefined ? sql.active.get(document) : sql.newer.get(document, document, utf8(after)))
  }
  const byHint = (documentId: string, keyHint: string) => rowFrom(sql.byHint.get(utf8(documentId), utf8(keyHint)))

  function insert(
    documentId: string,
    state: KeyState,
    row: Omit<NewRow, 'sealed' | 'sealedBy'> & Partial<NewRow>,
  ): KeyRow {
    const { keyHint, origin, sealed = null, sealedBy = null } = row
    const last = Number(sql.lastEpoch.get(utf8(documentId))?.epoch ?? 0)
    const createdMs = Date.now()
    const epoch = nextEpoch(last, createdMs)
    sql.insert.run(utf8(documentId), utf8(keyHint), epoch, state, origin, sealed, sealedBy, createdMs)
    return { keyHint, epoch, state, origin, sealed, sealedBy, record: null, createdMs }
  }

  function issue(documentId: string, candidate: NewRow): KeyRow {
    if (byHint(documentId, candidate.keyHint)) throw hintTaken()
    sql.deactivateAny.run(utf8(documentId))
    return insert(documentId, 'active', candidate)
  }

  function replace(documentId: string, after: string | undefined, candidate: NewRow): KeyRow {
    if (after !== undefined) {
      const successor = active(documentId, after)
      if (successor) return successor
      // Remembered, so that all who leave this lost key find the one that takes its place.
      if (!byHint(documentId, after)) insert(documentId, 'lost', { keyHint: after, origin: candidate.origin })
    }
    return issue(documentId, candidate)
  }

  function add(documentId: string, row: NewRow, isActive: boolean): KeyRow | undefined {
    if (byHint(documentId, row.keyHint)) return undefined
    return insert(documentId, isActive && !active(documentId) ? 'active' : 'inactive', row)
  }

  return {
    active: async (documentId, after) => active(documentId, after),
    byHint: async (documentId, keyHint) => byHint(documentId, keyHint),
    newest: async (documentId) => rowFrom(sql.newest.get(utf8(documentId))),
    all: async (documentId) => sql.all.all(utf8(documentId)).map(rowOf),
    documents: async () => sql.documents.all().map(({ document }) => text(document)),
    activeOr: async (documentId, candidate) =>
      inTransaction(db, () => active(documentId) ?? issue(documentId, candidate)),
    replace: async (documentId, after, candidate) => inTransaction(db, () => replace(documentId, after, candidate)),
    add: async (documentId, row, isActive) => inTransaction(db, () => add(documentId, row, isActive)),
    async keepRecord(documentId, keyHint, record) {
      sql.keepRecord.run(Buffer.from(record, 'base64url'), utf8(documentId), utf8(keyHint))
    },
    async deactivate(documentId, keyHint) {
      sql.deactivate.run(utf8(documentId), utf8(keyHint))
    },
    deactivateAll: async () => Number(sql.deactivateAll.run().changes),
    async shred(documentId, keyHint) {
      // Also where it was shredded before: perhaps that could not be done then.
      if (sql.shred.run(utf8(documentId), utf8(keyHint)).changes !== 0) await leaveNothingBehind(db)
    },
    async reseal(documentId, keyHint, before, sealed, sealedBy) {
      sql.reseal.run(sealed, sealedBy, utf8(documentId), utf8(keyHint), before)
    },
    sealers: async () => sqliteSealers(db),
    async setSealer(id) {
      sql.setSealer.run(id, SEALER)
      await leaveNothingBehind(db)
    },
    origins: async () => sql.origins.all().map(({ origin }) => String(origin)),
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
  const columns = 'document, hint, epoch, state, origin, sealed, sealed_by, record, created_ms'
  const select = `SELECT ${columns} FROM document_keys WHERE document = ?`
  const deactivate = "UPDATE document_keys SET state = 'inactive' WHERE state = 'active'"
  return {
    active: db.prepare(`${select} AND state = 'active'`),
    newer: db.prepare(
      `${select} AND state = 'active' AND epoch > (SELECT epoch FROM document_keys WHERE document = ? AND hint = ?)`,
    ),
    byHint: db.prepare(`${select} AND hint = ?`),
    newest: db.prepare(`${select} AND sealed IS NOT NULL ORDER BY epoch DESC LIMIT 1`),
    all: db.prepare(`${select} ORDER BY epoch`),
    documents: db.prepare('SELECT DISTINCT document FROM document_keys ORDER BY document'),
    lastEpoch: db.prepare('SELECT max(epoch) AS epoch FROM document_keys WHERE document = ?'),
    insert: db.prepare(
      `INSERT INTO document_keys (document, hint, epoch, state, origin, sealed, sealed_by, created_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    keepRecord: db.prepare(
      'UPDATE document_keys SET record = ? WHERE document = ? AND hint = ? AND record IS NULL AND sealed IS NOT NULL',
    ),
    deactivate: db.prepare(`${deactivate} AND origin <> 'fixed' AND document = ? AND hint = ?`),
    deactivateAny: db.prepare(`${deactivate} AND document = ?`),
    deactivateAll: db.prepare(`${deactivate} AND origin <> 'fixed'`),
    shred: db.prepare(
      `UPDATE document_keys SET state = 'shredded', sealed = NULL, sealed_by = NULL
       WHERE document = ? AND hint = ? AND state <> 'active'`,
    ),
    reseal: db.prepare(
      'UPDATE document_keys SET sealed = ?, sealed_by = ? WHERE document = ? AND hint = ? AND sealed = ?',
    ),
    setSealer: db.prepare('UPDATE settings SET value = ? WHERE name = ?'),
    origins: db.prepare('SELECT DISTINCT origin FROM document_keys WHERE sealed IS NOT NULL'),
  }
}

function rowFrom(columns: unknown): KeyRow | undefined {
  return columns === undefined ? undefined : rowOf(columns)
}

function rowOf(columns: unknown): KeyRow {
  // The columns are those selected above, and the tables are STRICT.
  const { hint, sealed_by: sealedBy, record, created_ms: createdMs, epoch, state, origin, sealed } = columns as Columns
  const hash = record && Buffer.from(record).toString('base64url')
  return { keyHint: text(hint), epoch, state, origin, sealed, sealedBy, record: hash, createdMs }
}

function utf8(value: string): Buffer {
  return Buffer.from(value, 'utf8')
}

function text(bytes: unknown): string {
  // A BLOB column.
  return Buffer.from(bytes as Uint8Array).toString('utf8')
}
