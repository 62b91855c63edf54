import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import { runBytes } from './added-bytes.ts'
import { judgeAppend } from './epoch-state.ts'
import type { Transaction } from './group-commit.ts'
import { type JournaledRun, JournalRow, runsOfRow } from './journal-row.ts'
import type { AppendRequest, AppendResult, LogHead } from './log-store.ts'
import { isOverQuota } from './quota.ts'
import type { StoredDocument } from './sqlite-rows.ts'
import type { Tables } from './sqlite-tables.ts'
import { Tail } from './tail.ts'
import type { SaltClaim } from './tail-salts.ts'

// What is larger does not become cheaper by being written twice.
const SMALL_APPEND_BYTES = 16 * 1024

// Some 600 keystrokes: enough for their rows to share their pages, and written in a millisecond.
const TAIL_BYTES = 64 * 1024

// What a restart has to do again: some 40,000 keystrokes, in a tenth of a second.
const MAX_BYTES = 4 * 1024 * 1024

// A tail takes some kB beside its entries.
const MAX_TAILS = 1_024

// Rows that are not needed any more wait for each other: one statement for all.
const MAX_SPENT_ROWS = 16

/** The tail of a document that stands in the journal. */
class JournaledTail extends Tail {
  readonly document: number
  /** The row of the journal in which its oldest entry is. */
  readonly journalRow: number
  /** Bytes of the document when it began, and whose it is. */
  readonly storedBytes: number
  readonly tenant: string | undefined

  constructor(
    { id, bytes, tenant, ...document }: StoredDocument,
    journalRow: number,
    storedClaim: (salt: Uint8Array) => SaltClaim | undefined,
  ) {
    super(document, storedClaim)
    this.document = id
    this.journalRow = journalRow
    this.storedBytes = bytes
    this.tenant = tenant
  }
}

/**
 * Makes small appends durable at the price of one row for all that a commit holds, however many documents they are of:
 * writing pages of each document's tables for each keystroke would be most of what a relay does. What is in the journal is
 * the *tail* of its document until it is *settled*: written into the document's tables, many rows a page. Whoever reads
 * entries of a document, or changes it in any other way, settles it first; so the tables never lack anything that is asked.
 *
 * All of it happens within the caller's transactions, and nothing that it keeps in memory outlives one that was rolled back:
 * the next one begins with what the journal says.
 */
export interface Journal {
  /** First in each transaction: settles what a process that has ended, or one that was rolled back, has left behind. */
  begin(): void
  /** Stores a small append; undefined: it is not one, or has to be refused, and nothing has changed. */
  append(request: AppendRequest): AppendResult | undefined
  /** Whether it knows what it holds: not after a transaction that was rolled back, until the next one begins. */
  readonly isRead: boolean
  /** Whether the tables may lack something of this document. */
  isAhead(room: string): boolean
  /** Last sequence and H of a document that is ahead of its tables. */
  head(room: string): Pick<LogHead, 'sequence' | 'hash'> | undefined
  settle(room: string): void
  settleDocument(document: number): void
  settleAll(): void
  /** Last in each transaction: writes its row. */
  finish(): void
  /** The transaction was rolled back. */
  forget(): void
}

export function withJournal({ begin, commit, rollback }: Transaction, journal: Journal): Transaction {
  return {
    begin() {
      begin()
      journal.begin()
    },
    commit() {
      journal.finish()
      commit()
    },
    rollback() {
      journal.forget()
      rollback()
    },
  }
}

export function createJournal(database: DatabaseSyncInstance, { rows, now }: Tables): Journal {
  const insertRow = database.prepare('INSERT INTO journal VALUES (?, ?)')
  const allRows = database.prepare('SELECT id, runs FROM journal ORDER BY id')
  const dropRows = database.prepare('DELETE FROM journal WHERE id < ?')
  const nameOf = database.prepare('SELECT room FROM documents WHERE id = ?')
  /** By room; the one with the oldest entry first. */
  const tails = new Map<string, JournaledTail>()
  const row = new JournalRow()
  let bytes = 0
  let firstRow = 1
  let nextRow = 1
  let isRead = false

  function begin(): void {
    if (isRead) return
    const stored: { id: number; runs: Uint8Array }[] = allRows.all()
    for (const { runs } of stored) for (const run of runsOfRow(runs)) appendAgain(run)
    nextRow = (stored.at(-1)?.id ?? 0) + 1
    settleAll()
    isRead = true
  }

  function appendAgain(run: JournaledRun): void {
    const named: { room: Uint8Array } | undefined = nameOf.get(run.document)
    if (!named) throw new RelayError('storage', 'the journal has a document that is not there')
    const room = Buffer.from(named.room).toString()
    const tail = tails.get(room) ?? tailOf(room)
    // Settled, and then the process ended before the row was dropped.
    if (!tail || run.first <= tail.state.sequence) return
    if (run.first > tail.state.sequence + 1) throw new RelayError('storage', 'the journal has a gap')
    const before = tail.runs.bytes
    tail.appendAgain(run, run, run.hash)
    bytes += tail.runs.bytes - before
    tails.set(room, tail)
  }

  function tailOf(room: string): JournaledTail | undefined {
    const document = rows.document(room)
    return document && new JournaledTail(document, nextRow, (salt) => rows.claim(document.id, salt))
  }

  function append({ room, session, subject, runs, names, quota }: AppendRequest): AppendResult | undefined {
    const added = runBytes(runs)
    if (names || added > SMALL_APPEND_BYTES) return undefined
    const tail = tails.get(room) ?? tailOf(room)
    if (!tail || judgeAppend(tail.state, runs, now()) !== undefined) return undefined
    const used = { documentBytes: tail.storedBytes + tail.runs.bytes, tenantBytes: rows.tenantBytes(tail.tenant) }
    if (isOverQuota(quota, used, added)) return undefined
    const before = tail.runs.bytes
    const commit = tail.append({ session, subject }, runs)
    if (!commit) return undefined
    tails.set(room, tail)
    bytes += tail.runs.bytes - before
    let at = 0
    for (const run of runs) {
      const first = commit.runs[at++]?.first ?? 0
      const hash = commit.runs[at]?.hashBefore ?? commit.hash
      row.add(run, { document: tail.document, session, subject, first, hash })
    }
    if (tail.runs.bytes >= TAIL_BYTES) settle(room)
    return { stored: true, commit }
  }

  function settle(room: string): void {
    const tail = tails.get(room)
    if (!tail) return
    tails.delete(room)
    bytes -= tail.runs.bytes
    const { document, state, sole } = tail
    const atUnixMs = now()
    for (const use of tail.salts.taken()) {
      if (!rows.useSalt(document, { ...use, atUnixMs }))
        throw new RelayError('storage', 'a salt was used beside its tail')
    }
    for (const run of tail.runs) rows.insertRun(document, run)
    rows.save(document, state)
    rows.saveSole(document, sole)
  }

  function settleAll(): void {
    for (const room of tails.keys()) settle(room)
    dropRowsBefore(nextRow)
  }

  function dropRowsBefore(row: number): void {
    dropRows.run(row)
    firstRow = row
  }

  function finish(): void {
    for (const room of tails.keys()) {
      if (bytes <= MAX_BYTES && tails.size <= MAX_TAILS) break
      settle(room)
    }
    if (!row.isEmpty) insertRow.run(nextRow++, row.take())
    const [oldest] = tails.values()
    const neededRow = oldest?.journalRow ?? nextRow
    if (neededRow - firstRow >= MAX_SPENT_ROWS) dropRowsBefore(neededRow)
  }

  return {
    get isRead() {
      return isRead
    },
    begin,
    append,
    isAhead: (room) => !isRead || tails.has(room),
    head(room) {
      const state = tails.get(room)?.state
      return state && { sequence: state.sequence, hash: state.hash }
    },
    settle,
    settleDocument(document) {
      for (const [room, tail] of tails) if (tail.document === document) settle(room)
    },
    settleAll,
    finish,
    forget() {
      tails.clear()
      row.clear()
      bytes = 0
      isRead = false
    },
  }
}
