import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import { type EpochState, judgeAppend } from './epoch-state.ts'
import { type JournaledRun, JournalRow, runsOfRow } from './journal-row.ts'
import type { AppendRequest, AppendResult } from './log-store.ts'
import { RUN_BYTES, type SaltClaim, Tail, type TailRows } from './tail.ts'

// Each settling costs a few pages, however much it brings.
const TAIL_BYTES = 64 * 1024

// What a restart has to do again: some 40,000 keystrokes, in a tenth of a second.
const MAX_BYTES = 4 * 1024 * 1024

// A tail takes some kB beside its entries.
const MAX_TAILS = 1_024

// Rows that are not needed any more wait for each other: one statement for all.
const MAX_SPENT_ROWS = 16

/** The document's own tables. */
export interface DocumentRows extends TailRows {
  document(room: string): { id: number; state: EpochState } | undefined
  claim(document: number, salt: Uint8Array): SaltClaim | undefined
}

/**
 * Makes small appends durable at the price of one row for all that a commit holds, however many documents they are of: a
 * page of each document's tables for each keystroke is most of what a relay would do. What is in the journal is a *tail*
 * of its document until it is *settled*, written into the document's tables as a few large runs. Whoever reads or changes a
 * document in any other way settles it first, so the tables are never asked for what only the journal has.
 *
 * Everything here happens within the caller's transaction, between `begin` and `finish`.
 */
export interface Journal {
  /** To be called first: what a process that has ended, or a transaction that failed, has left in the journal is settled. */
  begin(): void
  /** Stores it, or leaves it to the caller: an append that is large, or has to be refused. */
  append(request: AppendRequest): AppendResult | undefined
  /** Whether the tables lack something of this document. */
  isAhead(room: string): boolean
  /** State of a document that is ahead of its tables. */
  state(room: string): EpochState | undefined
  settle(room: string): void
  settleAll(): void
  /** To be called last, before the transaction is committed. */
  finish(): void
  /** The transaction was rolled back. */
  forget(): void
}

export function createJournal(database: DatabaseSyncInstance, rows: DocumentRows, now: () => number): Journal {
  const insertRow = database.prepare('INSERT INTO journal VALUES (?, ?)')
  const allRows = database.prepare('SELECT id, runs FROM journal ORDER BY id')
  const dropRows = database.prepare('DELETE FROM journal WHERE id < ?')
  const nameOf = database.prepare('SELECT room FROM documents WHERE id = ?')
  /** By room; the one with the oldest entry first. */
  const tails = new Map<string, Tail>()
  const row = new JournalRow()
  let bytes = 0
  let firstRow = 1
  let nextRow = 1
  let isKnown = false

  function begin(): void {
    if (isKnown) return
    const stored: { id: number; runs: Uint8Array }[] = allRows.all()
    for (const { runs } of stored) for (const run of runsOfRow(runs)) addAgain(run)
    settleAll()
    firstRow = nextRow = (stored.at(-1)?.id ?? 0) + 1
    dropRows.run(nextRow)
    isKnown = true
  }

  function addAgain(run: JournaledRun): void {
    const named: { room: Uint8Array } | undefined = nameOf.get(run.document)
    const room = named && Buffer.from(named.room).toString()
    const tail = room === undefined ? undefined : (tails.get(room) ?? newTail(room))
    if (room === undefined || !tail) throw new RelayError('storage', 'the journal has a document that is not there')
    // Settled, and then the process ended before its row was dropped.
    if (run.first <= tail.state.sequence) return
    if (run.first > tail.state.sequence + 1) throw new RelayError('storage', 'the journal has a gap')
    tail.addAgain(run.session, run, run.hash)
    tails.set(room, tail)
  }

  function newTail(room: string): Tail | undefined {
    const document = rows.document(room)
    return document && new Tail(document, nextRow, (salt) => rows.claim(document.id, salt))
  }

  function append({ room, session, runs }: AppendRequest): AppendResult | undefined {
    const added = runs.reduce((sum, { body }) => sum + body.length, 0)
    if (added > RUN_BYTES) return undefined
    const tail = tails.get(room) ?? newTail(room)
    if (!tail || judgeAppend(tail.state, runs, now()) !== undefined) return undefined
    const { document } = tail
    const commit = tail.append(session, runs)
    if (!commit) return undefined
    tails.set(room, tail)
    bytes += added
    commit.runs.forEach(({ first }, i) => {
      const run = runs[i]
      const hash = commit.runs[i + 1]?.hashBefore ?? commit.hash
      if (run) row.add(run, { document, session, first, hash })
    })
    if (tail.bytes >= TAIL_BYTES) settle(room)
    return { stored: true, commit }
  }

  function settle(room: string): void {
    const tail = tails.get(room)
    if (!tail) return
    tail.settle(rows)
    bytes -= tail.bytes
    tails.delete(room)
  }

  function settleAll(): void {
    for (const room of tails.keys()) settle(room)
  }

  /** The oldest tails, until a restart has little to do. */
  function settleSome(): void {
    for (const room of tails.keys()) {
      if (bytes <= MAX_BYTES && tails.size <= MAX_TAILS) break
      settle(room)
    }
  }

  function finish(): void {
    settleSome()
    if (!row.isEmpty) insertRow.run(nextRow++, row.take())
    const [oldest] = tails.values()
    const neededRow = oldest?.journalRow ?? nextRow
    if (neededRow - firstRow < MAX_SPENT_ROWS) return
    dropRows.run(neededRow)
    firstRow = neededRow
  }

  return {
    begin,
    append,
    isAhead: (room) => !isKnown || tails.has(room),
    state: (room) => tails.get(room)?.state,
    settle,
    settleAll,
    finish,
    forget() {
      tails.clear()
      row.clear()
      bytes = 0
      isKnown = false
    },
  }
}
