import { createGroupCommit } from './group-commit.ts'
import type { AppendResult, LogStore } from './log-store.ts'
import { lease, pause, release, renew } from './sqlite-claims.ts'
import { compact } from './sqlite-compacting.ts'
import { openDatabase, transactionOf } from './sqlite-database.ts'
import { isWhole, readChunks, readHead, readPlaces, readRecords, readRuns, readStanding } from './sqlite-reading.ts'
import { sweepStep } from './sqlite-sweep.ts'
import { createTables, hashAfter } from './sqlite-tables.ts'
import { createUsage } from './sqlite-usage.ts'
import { append, open } from './sqlite-writing.ts'

/**
 * Opens the store in a directory (made if missing, mode 700), or one that lives as long as the process. `now`: unix ms,
 * for leases and pauses, and for what was replaced.
 */
export function openSqliteLogStore(data: 'memory' | (string & {}), now: () => number = Date.now): LogStore {
  const database = openDatabase(data)
  const tables = createTables(database, now)
  const usage = createUsage(database, tables)
  // One process has one store: whoever held something has ended with the process before.
  tables.rows.dropClaims()
  const group = createGroupCommit(transactionOf(database))

  /** Undoes what a refused request has written, and nothing of the others in its group. */
  function undoIfRefused(write: () => AppendResult): AppendResult {
    database.exec('SAVEPOINT request')
    const result = write()
    if (!result.stored) database.exec('ROLLBACK TO request')
    database.exec('RELEASE request')
    return result
  }

  return {
    head: async (room) => readHead(tables, room),

    // A single run is refused before anything is written: it needs no savepoint, and nearly every append is one.
    append: (request) =>
      group.add(() =>
        request.runs.length > 1 ? undoIfRefused(() => append(tables, request)) : append(tables, request),
      ),
    open: (request) => group.add(() => undoIfRefused(() => open(tables, request))),
    compact: (request) => group.add(() => compact(tables, request)),
    // In the order of arrival with the appends: what was read before a pause is durable when the pause is answered.
    lease: (request) => group.add(() => lease(tables, request)),
    renew: (request) => group.add(() => renew(tables, request)),
    pause: (request) => group.add(() => pause(tables, request)),
    release: (room, session) => group.add(() => release(tables, room, session)),

    standing: async (room) => readStanding(tables, room),
    places: async (room, recordHash) => readPlaces(tables, room, recordHash),
    checkpoint: async (room, hash, wanted) => readChunks(tables, room, hash, wanted),
    read: async (room, after, maxBytes) => readRuns(tables, room, after, maxBytes),
    isWhole: async (room, after, through) => isWhole(tables, room, after, through),
    records: async (room, held) => readRecords(tables, room, held),
    usage: async (room) => usage(room),

    async hashAt(room, sequence) {
      const document = tables.rows.document(room)
      return document && hashAfter(tables, document, sequence)
    },

    sweep: (terms) => group.add(() => sweepStep(tables, terms)),

    async close() {
      group.flush()
      // What is left of a log should be one file, for whoever copies it.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}
