import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { startHash } from '@y-sealed/protocol'
import { RelayError } from '../errors.ts'
import { createGroupCommit } from './group-commit.ts'
import type { AppendRequest, AppendResult, EpochRecord, LogStore, NewRun, OpenRequest, StoredRun } from './log-store.ts'
import { chainHash, hashWithin, runAfter } from './run-chain.ts'
import { createRows, type DocumentRow } from './sqlite-rows.ts'
import { prepareSchema } from './sqlite-schema.ts'

/** H of a log without an epoch: there is nothing to hash yet. */
const NO_HASH = new Uint8Array(32)

/** Opens the store in a directory (made if missing, mode 700), or one that lives as long as the process. */
export function openSqliteLogStore(data: 'memory' | (string & {})): LogStore {
  const database = openDatabase(data)
  const rows = createRows(database)
  const group = createGroupCommit({
    begin: () => database.exec('BEGIN IMMEDIATE'),
    commit: () => database.exec('COMMIT'),
    rollback: () => {
      // A failure such as a full disk may have ended the transaction already; a second end would hide the first error.
      if (database.isTransaction) database.exec('ROLLBACK')
    },
  })

  function headRecord(document: DocumentRow): EpochRecord {
    const record = rows.record(document.id, document.headRecord)
    if (!record) throw new RelayError('storage', 'a document without its head record')
    return record
  }

  /** Stores the runs behind the head; undefined where one may not be stored, and then the caller undoes the others. */
  function writeRuns(document: DocumentRow, session: number, runs: readonly NewRun[]): StoredRun[] | undefined {
    for (const run of runs) {
      if (!rows.useSalt(document.id, run.salt, session, run.firstCounter, run.count)) return undefined
    }
    const stored = runs.map(({ count, epochIndex, body, leaves }) => {
      const run = { first: document.sequence + 1, count, epochIndex, hashBefore: document.hash, body }
      rows.insertRun(document.id, run)
      document.sequence += count
      document.hash = chainHash(document.hash, leaves)
      return run
    })
    rows.moveHead(document)
    return stored
  }

  function append({ room, session, runs }: AppendRequest): AppendResult {
    const document = rows.document(room)
    if (!document) return { stored: false, code: 'stale-epoch' }
    if (runs.some(({ epochIndex }) => epochIndex !== document.headRecord)) {
      return { stored: false, code: 'stale-epoch', record: headRecord(document).bytes }
    }
    const stored = writeRuns(document, session, runs)
    if (!stored) return { stored: false, code: 'out-of-order' }
    return { stored: true, commit: { runs: stored, sequence: document.sequence, hash: document.hash } }
  }

  function open({ room, session, runs, record, previous }: OpenRequest): AppendResult {
    const replaced = rows.document(room)
    const head = replaced && headRecord(replaced)
    if (!sameHash(head?.hash, previous)) {
      return { stored: false, code: 'stale-epoch', ...(head && { record: head.bytes }) }
    }
    if (head ? record.index <= head.index : record.index !== 0) return { stored: false, code: 'malformed' }

    const opened: EpochRecord = { ...record, after: replaced?.sequence ?? 0 }
    const document = replaced ?? rows.insertDocument(room, opened)
    rows.insertRecord(document.id, opened)
    document.headRecord = opened.index
    document.hash = startHash(opened.hash)
    const stored = writeRuns(document, session, runs)
    if (!stored) return { stored: false, code: 'out-of-order' }
    return { stored: true, commit: { runs: stored, sequence: document.sequence, hash: document.hash, opened } }
  }

  /** Undoes what a refused request has written, and nothing of the others in its group. */
  function undoIfRefused(write: () => AppendResult): AppendResult {
    database.exec('SAVEPOINT request')
    const result = write()
    if (!result.stored) database.exec('ROLLBACK TO request')
    database.exec('RELEASE request')
    return result
  }

  return {
    async head(room) {
      const document = rows.document(room)
      if (!document) return { sequence: 0, hash: NO_HASH }
      return { sequence: document.sequence, hash: document.hash, record: headRecord(document) }
    },

    // A single run is refused before anything is written: it needs no savepoint, and nearly every append is one.
    append: (request) =>
      group.add(() => (request.runs.length > 1 ? undoIfRefused(() => append(request)) : append(request))),
    open: (request) => group.add(() => undoIfRefused(() => open(request))),

    async read(room, after, maxBytes) {
      const document = rows.document(room)
      if (!document || after >= document.sequence) return []
      const first = rows.runWith(document.id, after + 1)
      const runs: StoredRun[] = []
      let bytes = 0
      for (const run of rows.runsFrom(document.id, first?.first ?? 1)) {
        runs.push(runAfter(run, after))
        bytes += run.body.length
        if (bytes >= maxBytes) break
      }
      return runs
    },

    async hashAt(room, sequence) {
      const document = rows.document(room)
      if (!document || sequence < 1 || sequence > document.sequence) return undefined
      const run = rows.runWith(document.id, sequence)
      return run && hashWithin(run, sequence)
    },

    async records(room, held) {
      const document = rows.document(room)
      const all = document ? rows.records(document.id) : []
      const place = all.findIndex(({ hash }) => held !== undefined && sameHash(hash, held))
      const record = all[place]
      return record ? { held: record, after: all.slice(place + 1) } : { after: all }
    },

    async close() {
      group.flush()
      // What is left of a log should be one file, for whoever copies it.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}

function openDatabase(data: string): DatabaseSyncInstance {
  try {
    if (data !== 'memory') mkdirSync(data, { recursive: true, mode: 0o700 })
    const file = data === 'memory' ? ':memory:' : join(data, 'relay.db')
    const database = new DatabaseSync(file)
    // Nothing in it can be read without keys, yet who writes when and how much is nobody else's business.
    if (data !== 'memory') chmodSync(file, 0o600)
    prepareSchema(database)
    return database
  } catch (error) {
    if (error instanceof RelayError) throw error
    throw new RelayError('storage', 'the data directory cannot be used', { cause: error })
  }
}

function sameHash(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a && b ? Buffer.compare(a, b) === 0 : a === b
}
