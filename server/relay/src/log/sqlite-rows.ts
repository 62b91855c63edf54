import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { SoleAuthor } from './compaction.ts'
import { CLAIMS_AND_AUTHOR, claimColumns, type DocumentColumns, soleOf, stateOf } from './document-columns.ts'
import type { EpochState } from './epoch-state.ts'
import type { EpochRecord, StoredRun } from './log-store.ts'
import type { OpenedLately } from './rotation-rate.ts'
import { RECORD, RUN } from './row-columns.ts'
import type { SaltClaim } from './tail-salts.ts'

/** A document, where its epochs stand, and whose entries are the last ones. */
export interface StoredDocument {
  id: number
  state: EpochState
  sole: SoleAuthor
  /** Stored bytes, without what only the journal has. */
  bytes: number
  /** Whose it is; undefined: nobody's in particular. */
  tenant: string | undefined
}

/** The counters that a salt gets with a run, and the last entry of that. */
export interface SaltUse {
  salt: Uint8Array
  session: number
  firstCounter: number
  count: number
  lastSequence: number
  atUnixMs: number
}

interface DocumentRow extends DocumentColumns {
  id: number
}

export type Rows = ReturnType<typeof createRows>

/**
 * The statements for documents, records, runs and salts, prepared once. The binding's rows are untyped; each gets its type
 * here, or in the other files of rows, and only there.
 */
export function createRows(database: DatabaseSyncInstance) {
  const document = database.prepare(
    `SELECT id, sequence, documents.hash, head_record AS headIndex, records.hash AS headHash,
       ${CLAIMS_AND_AUTHOR}, documents.bytes, tenant
     FROM documents LEFT JOIN records ON document = id AND epoch_index = head_record WHERE room = ?`,
  )
  // What is left of a deleted one has no head.
  const rooms = database.prepare('SELECT room FROM documents WHERE room > ? AND head_record >= 0 ORDER BY room LIMIT ?')
  const save = database.prepare(
    `UPDATE documents SET sequence = ?, hash = ?, head_record = ?, lease_session = ?, lease_purpose = ?, lease_until = ?,
       pause_session = ?, pause_until = ?, pause_again_at = ? WHERE id = ?`,
  )
  const saveSole = database.prepare('UPDATE documents SET sole_subject = ?, sole_since = ? WHERE id = ?')
  const dropClaims = database.prepare(
    'UPDATE documents SET lease_session = 0, lease_until = 0, pause_until = 0 WHERE lease_session <> 0',
  )
  const insertDocument = database.prepare(
    'INSERT INTO documents (room, sequence, hash, head_record, tenant) VALUES (?, ?, ?, ?, ?)',
  )
  const insertTenant = database.prepare('INSERT INTO tenants (name) VALUES (?) ON CONFLICT DO NOTHING')
  const tenantBytes = database.prepare('SELECT bytes FROM tenants WHERE name = ?')
  const insertRun = database.prepare('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)')
  const runWith = database.prepare(
    `SELECT ${RUN} FROM runs WHERE document = ? AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1`,
  )
  const runsFrom = database.prepare(
    `SELECT ${RUN} FROM runs WHERE document = ? AND first_sequence >= ? ORDER BY first_sequence`,
  )
  const insertRecord = database.prepare(
    'INSERT INTO records (document, epoch_index, bytes, hash, after_sequence, opened_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const record = database.prepare(`SELECT ${RECORD} FROM records WHERE document = ? AND epoch_index = ?`)
  const recordNamed = database.prepare(`SELECT ${RECORD} FROM records WHERE document = ? AND hash = ?`)
  const records = database.prepare(`SELECT ${RECORD} FROM records WHERE document = ? ORDER BY epoch_index`)
  // The first epoch of a document replaces none.
  const openedSince = database.prepare(
    `SELECT count(*) FILTER (WHERE opened_at > :minute) AS minute, count(*) AS day FROM records
       WHERE document = :document AND opened_at > :day AND epoch_index > (SELECT min(epoch_index) FROM records WHERE document = :document)`,
  )
  // One statement that claims a new salt at counter 0, or moves the claim of the same session on from the counter before.
  // A foreign salt or another counter changes no row.
  const useSalt = database.prepare(
    `INSERT INTO salts (document, salt, session, counter, last_sequence, used_at)
       SELECT :document, :salt, :session, :last, :lastSequence, :atUnixMs
       WHERE :before = 0 OR EXISTS (SELECT 1 FROM salts WHERE document = :document AND salt = :salt)
     ON CONFLICT (document, salt) DO UPDATE SET counter = :last, last_sequence = :lastSequence, used_at = :atUnixMs
       WHERE session = :session AND counter = :before`,
  )

  const claim = database.prepare('SELECT session, counter FROM salts WHERE document = ? AND salt = ?')

  return {
    document(room: string): StoredDocument | undefined {
      const row: DocumentRow | undefined = document.get(Buffer.from(room))
      if (!row) return undefined
      const { id, bytes, tenant } = row
      return { id, state: stateOf(row), sole: soleOf(row), bytes, tenant: tenant ?? undefined }
    },
    /** Rooms that have a document, in the order of their bytes. */
    rooms(after: string, max: number): string[] {
      const rows: { room: Uint8Array }[] = rooms.all(Buffer.from(after), max)
      return rows.map(({ room }) => Buffer.from(room).toString())
    },
    /** A document in its first epoch, which nobody has claimed; returns its id. */
    insertDocument(room: string, { sequence, hash, head }: EpochState, tenant: string | undefined): number {
      if (tenant !== undefined) insertTenant.run(tenant)
      const { lastInsertRowid } = insertDocument.run(Buffer.from(room), sequence, hash, head.index, tenant ?? null)
      return Number(lastInsertRowid)
    },
    save(id: number, state: EpochState): void {
      save.run(state.sequence, state.hash, state.head.index, ...claimColumns(state), id)
    },
    saveSole(id: number, { subject, since }: SoleAuthor): void {
      saveSole.run(subject ?? null, since, id)
    },
    /** Stored bytes of all documents of a tenant. */
    tenantBytes(tenant: string | undefined): number {
      const row: { bytes: number } | undefined = tenant === undefined ? undefined : tenantBytes.get(tenant)
      return row?.bytes ?? 0
    },
    /** Ends every lease and pause. */
    dropClaims(): void {
      dropClaims.run()
    },
    insertRun(id: number, run: StoredRun): void {
      insertRun.run(id, run.first, run.count, run.epochIndex, run.hashBefore, run.body)
    },
    /** The run that holds this sequence, or the last one before it. */
    runWith(id: number, sequence: number): StoredRun | undefined {
      const row: StoredRun | undefined = runWith.get(id, sequence)
      return row
    },
    runsFrom(id: number, first: number): Iterable<StoredRun> {
      const rows: Iterable<StoredRun> = runsFrom.iterate(id, first)
      return rows
    },
    insertRecord(id: number, { index, bytes, hash, after }: EpochRecord, openedAtUnixMs: number): void {
      insertRecord.run(id, index, bytes, hash, after, openedAtUnixMs)
    },
    record(id: number, index: number): EpochRecord | undefined {
      const row: EpochRecord | undefined = record.get(id, index)
      return row
    },
    recordNamed(id: number, hash: Uint8Array): EpochRecord | undefined {
      const row: EpochRecord | undefined = recordNamed.get(id, hash)
      return row
    },
    records(id: number): EpochRecord[] {
      const rows: EpochRecord[] = records.all(id)
      return rows
    },
    openedSince(id: number, since: OpenedLately): OpenedLately {
      const row: OpenedLately = openedSince.get({ document: id, ...since })
      return row
    },
    /** Whose salt this is, and its last counter. */
    claim(id: number, salt: Uint8Array): SaltClaim | undefined {
      const row: SaltClaim | undefined = claim.get(id, salt)
      return row
    },
    /** Whether this salt may carry these counters in this session; if so, they are taken. */
    useSalt(id: number, { firstCounter, count, ...use }: SaltUse): boolean {
      const before = firstCounter - 1
      return useSalt.run({ document: id, ...use, before, last: before + count }).changes === 1
    },
  }
}
