import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { startHash } from '@y-sealed/protocol'
import { RelayError } from '../errors.ts'
import { createGroupCommit } from './group-commit.ts'
import type {
  AppendRequest,
  AppendResult,
  EpochRecord,
  LeaseRequest,
  LeaseResult,
  LogStore,
  NewChunk,
  NewRun,
  OpenRequest,
  PauseRequest,
  PauseResult,
  StoredRun,
} from './log-store.ts'
import { chainHash, hashWithin, runAfter } from './run-chain.ts'
import { holdsLease, isPaused, mayOpen, released, takeLease, takePause } from './sqlite-claims.ts'
import { createRows, type DocumentRow, NO_CLAIM } from './sqlite-rows.ts'
import { prepareSchema } from './sqlite-schema.ts'

/** H of a log without an epoch: there is nothing to hash yet. */
const NO_HASH = new Uint8Array(32)

// Chunks belong to nobody: no session may go on under their salt, not even the one that brought them.
const NO_SESSION = 0

/**
 * Opens the store in a directory (made if missing, mode 700), or one that lives as long as the process. `now`: unix ms,
 * for leases and pauses.
 */
export function openSqliteLogStore(data: 'memory' | (string & {}), now: () => number = Date.now): LogStore {
  const database = openDatabase(data)
  const rows = createRows(database)
  // One process has one store: whoever held something has ended with the process before.
  rows.dropClaims()
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
    if (isPaused(document, now())) return { stored: false, code: 'paused' }
    const stored = writeRuns(document, session, runs)
    if (!stored) return { stored: false, code: 'out-of-order' }
    return { stored: true, commit: { runs: stored, sequence: document.sequence, hash: document.hash } }
  }

  function open({ room, session, runs, record, replaces, chunks }: OpenRequest): AppendResult {
    const replaced = rows.document(room)
    const head = replaced && headRecord(replaced)
    const stale: AppendResult = { stored: false, code: 'stale-epoch', ...(head && { record: head.bytes }) }
    if (!sameHash(head?.hash, replaces?.record)) return stale
    if (replaced) {
      if (!mayOpen(replaced, session, now())) return { stored: false, code: 'busy' }
      // Something was stored that the opener does not carry over: it would be lost for all who join from now on.
      if (replaced.sequence !== replaces?.sequence || !sameHash(replaced.hash, replaces.hash)) return stale
    }
    // A first record may have any index: the relay may have lost the epochs before it, and its clients have not.
    if (head && record.index <= head.index) return { stored: false, code: 'malformed' }

    const opened: EpochRecord = { ...record, after: replaced?.sequence ?? 0 }
    const document = replaced ?? rows.insertDocument(room, opened)
    rows.insertRecord(document.id, opened)
    rows.claim(document.id, NO_CLAIM)
    document.headRecord = opened.index
    document.hash = startHash(opened.hash)
    const stored = writeChunks(document, chunks) ? writeRuns(document, session, runs) : undefined
    if (!stored) return { stored: false, code: 'out-of-order' }
    return { stored: true, commit: { runs: stored, sequence: document.sequence, hash: document.hash, opened } }
  }

  /** Stores the checkpoint of the head epoch; false where its salt was used before. */
  function writeChunks(document: DocumentRow, chunks: readonly NewChunk[]): boolean {
    const [first] = chunks
    if (first && !rows.useSalt(document.id, first.salt, NO_SESSION, 1, chunks.length)) return false
    for (const { epochIndex, counter, envelope } of chunks) {
      rows.insertChunk(document.id, epochIndex, counter, envelope)
    }
    return true
  }

  function lease(request: LeaseRequest): LeaseResult {
    const document = rows.document(request.room)
    if (!document) return { granted: false, code: 'stale-epoch' }
    const { result, claim } = takeLease(document, headRecord(document), request, now())
    if (claim) rows.claim(document.id, claim)
    return result
  }

  function renew({ room, session, leaseMs }: { room: string; session: number; leaseMs: number }): boolean {
    const document = rows.document(room)
    if (!document || !holdsLease(document, session, now())) return false
    rows.claim(document.id, { ...document, leaseUntil: now() + leaseMs })
    return true
  }

  function pause(request: PauseRequest): PauseResult {
    const document = rows.document(request.room)
    if (!document) return { granted: false, code: 'busy' }
    const { result, claim } = takePause(document, request, now())
    if (claim) rows.claim(document.id, claim)
    return result
  }

  function release(room: string, session: number): void {
    const document = rows.document(room)
    if (document?.leaseSession === session) rows.claim(document.id, released(document))
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
    // In the order of arrival with the appends: what was read before a pause is durable when the pause is answered.
    lease: (request) => group.add(() => lease(request)),
    renew: (request) => group.add(() => renew(request)),
    pause: (request) => group.add(() => pause(request)),
    release: (room, session) => group.add(() => release(room, session)),

    async checkpoint(room, recordHash, first, maxBytes) {
      const document = rows.document(room)
      const record = document && rows.recordNamed(document.id, recordHash)
      if (!record) return undefined
      const chunks: Uint8Array[] = []
      let bytes = 0
      for (const { envelope } of rows.chunksFrom(document.id, record.index, first)) {
        chunks.push(envelope)
        bytes += envelope.length
        if (bytes >= maxBytes) break
      }
      return chunks.length > 0 ? { total: rows.chunkCount(document.id, record.index), chunks } : undefined
    },

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
