import type { Durability } from './durability.ts'
import { createGroupCommit, type Transaction } from './group-commit.ts'
import type { AppendResult, LogHead, LogStore } from './log-store.ts'
import { lease, pause, release, renew } from './sqlite-claims.ts'
import { compact } from './sqlite-compacting.ts'
import { type HeldDatabase, openDatabase, transactionOf, usable } from './sqlite-database.ts'
import { createJournal, withJournal } from './sqlite-journal.ts'
import { createKeptEpochs } from './sqlite-kept-epochs.ts'
import { isWhole, readChunks, readHead, readPlaces, readRecords, readRuns, readStanding } from './sqlite-reading.ts'
import type { OlderSchema } from './sqlite-schema.ts'
import { sweepStep } from './sqlite-sweep.ts'
import { createTables, hashAfter } from './sqlite-tables.ts'
import { createUsage } from './sqlite-usage.ts'
import { append, open } from './sqlite-writing.ts'

/**
 * Opens the store in a directory (made if missing, mode 700), or one that lives as long as the process. `now`: unix ms,
 * for leases and pauses, and for what was replaced. Throws RelayError `storage`, also where another process has the directory.
 */
export function openSqliteLogStore(
  data: 'memory' | (string & {}),
  now: () => number = Date.now,
  durability: Durability = 'full',
  older: OlderSchema = 'add',
): LogStore {
  const held = openDatabase(data, durability, older)
  try {
    return usable('the data directory cannot be used', () => createStore(held, now))
  } catch (error) {
    held.close()
    throw error
  }
}

function createStore({ database, close }: HeldDatabase, now: () => number): LogStore {
  const tables = createTables(database, now)
  const usage = createUsage(database, tables)
  const keptEpochs = createKeptEpochs(database, tables)
  // One process has one store: whoever held something has ended with the process before.
  tables.rows.dropClaims()
  const journal = createJournal(database, tables)
  const transaction = withJournal(transactionOf(database), journal)
  const group = createGroupCommit(transaction)
  takeUp(transaction)

  /** A write that is not the journal's: it finds the document's tables complete. */
  function write<T>(room: string, change: () => T): Promise<T> {
    return group.add(() => {
      journal.settle(room)
      return change()
    })
  }

  /** A look at entries, of which the journal may have some that the tables do not have yet. */
  async function read<T>(room: string, look: () => T): Promise<T> {
    if (!journal.isAhead(room)) return look()
    // What cannot be read of a damaged document is that reader's trouble: thrown here, it would undo the appends of others in this commit.
    const seen = await write(room, () => attempt(look)).catch(() => ({ value: lookAside(room, look) }))
    if ('error' in seen) throw seen.error
    return seen.value
  }

  /** A full disk takes no commit, but a transaction that is not to be stored needs no disk: who only reads is served on. */
  function lookAside<T>(room: string, look: () => T): T {
    // Else what the cache has no room for would be written after all.
    database.exec('PRAGMA cache_spill = OFF')
    try {
      transaction.begin()
      journal.settle(room)
      return look()
    } finally {
      transaction.rollback()
      database.exec('PRAGMA cache_spill = ON')
    }
  }

  /** The store's own: the newest entries may be in the journal only. */
  function head(room: string): LogHead {
    return { ...readHead(tables, room), ...journal.head(room) }
  }

  /** Undoes what a refused request has written, and nothing of the others in its group. */
  function undoIfRefused(write: () => AppendResult): AppendResult {
    database.exec('SAVEPOINT request')
    const result = write()
    if (!result.stored) database.exec('ROLLBACK TO request')
    database.exec('RELEASE request')
    return result
  }

  const store: LogStore = {
    head: async (room) => (journal.isRead ? head(room) : read(room, () => head(room))),

    // In the order of arrival, whatever it is: what was read before a pause is durable when the pause is answered.
    append: (request) =>
      group.add(() => {
        const stored = journal.append(request)
        if (stored) return stored
        journal.settle(request.room)
        // A single run is refused before anything is written: it needs no savepoint.
        return request.runs.length > 1 ? undoIfRefused(() => append(tables, request)) : append(tables, request)
      }),
    open: (request) => write(request.room, () => undoIfRefused(() => open(tables, request))),
    compact: (request) => write(request.room, () => compact(tables, request)),
    lease: (request) => write(request.room, () => lease(tables, request)),
    renew: (request) => write(request.room, () => renew(tables, request)),
    pause: (request) => write(request.room, () => pause(tables, request)),
    release: (room, session) => write(room, () => release(tables, room, session)),

    standing: async (room) => readStanding(tables, room),
    places: async (room, recordHash) => readPlaces(tables, room, recordHash),
    checkpoint: async (room, hash, wanted) => readChunks(tables, room, hash, wanted),
    read: (room, after, maxBytes) => read(room, () => readRuns(tables, room, after, maxBytes)),
    isWhole: async (room, after, through) => isWhole(tables, room, after, through),
    records: async (room, held) => readRecords(tables, room, held),
    usage: (room) => read(room, () => usage(room)),
    keptEpochs: (room) => read(room, () => keptEpochs(room)),
    delete: (room) => write(room, () => tables.deleted.bury(room)),
    isDeleted: async (room) => tables.deleted.has(room),

    hashAt: (room, sequence) =>
      read(room, () => {
        const document = tables.rows.document(room)
        return document && hashAfter(tables, document, sequence)
      }),

    sweep: (terms) => group.add(() => sweepStep(tables, terms, (document) => journal.settleDocument(document))),

    contents: () => ({ ...store, names: async (after, max) => tables.rows.rooms(after, max) }),

    async close() {
      const settled = group.add(() => journal.settleAll())
      group.flush()
      try {
        await settled
        // What is left of a log should be one file, for whoever copies it.
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      } finally {
        // Where the disk is full the journal keeps what it has, and the next start takes it up.
        close()
      }
    },
  }
  return store
}

function attempt<T>(look: () => T): { value: T } | { error: unknown } {
  try {
    return { value: look() }
  } catch (error) {
    return { error }
  }
}

/** What the process before has left in the journal goes into the tables. Throws RelayError `storage` where it cannot. */
function takeUp(transaction: Transaction): void {
  usable('the journal cannot be read', () => {
    try {
      transaction.begin()
      transaction.commit()
    } catch (error) {
      transaction.rollback()
      throw error
    }
  })
}
