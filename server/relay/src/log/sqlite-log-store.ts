import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { checkpointHash, MAX_PLACES, startHash } from '@y-sealed/protocol'
import { RelayError } from '../errors.ts'
import {
  appended,
  type EpochState,
  judgeAppend,
  judgeOpen,
  opened,
  released,
  renewed,
  takeLease,
  takePause,
} from './epoch-state.ts'
import { createGroupCommit } from './group-commit.ts'
import type {
  AppendRequest,
  AppendResult,
  Commit,
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
import { sameHash } from './record-hash.ts'
import { chainHash, hashWithin, runAfter } from './run-chain.ts'
import { createCheckpointRows, placeOf } from './sqlite-checkpoint-rows.ts'
import { createJournal } from './sqlite-journal.ts'
import { createRows, type StoredDocument } from './sqlite-rows.ts'
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
  const checkpoints = createCheckpointRows(database)
  // One process has one store: whoever held something has ended with the process before.
  rows.dropClaims()
  const journal = createJournal(database, rows, now)
  const group = createGroupCommit({
    begin: () => {
      database.exec('BEGIN IMMEDIATE')
      journal.begin()
    },
    commit: () => {
      journal.finish()
      database.exec('COMMIT')
    },
    rollback: () => {
      journal.forget()
      // A failure such as a full disk may have ended the transaction already; a second end would hide the first error.
      if (database.isTransaction) database.exec('ROLLBACK')
    },
  })

  function headRecord({ id, state }: StoredDocument): EpochRecord {
    const record = rows.record(id, state.head.index)
    if (!record) throw new RelayError('storage', 'a document without its head record')
    return record
  }

  /** A refusal's code, and the head record with those for which a client needs it. */
  function refusal<Code extends string>(code: Code, document: StoredDocument | undefined) {
    return { code, ...(code === 'stale-epoch' && document && { record: headRecord(document).bytes }) }
  }

  /** Stores the runs behind the head; undefined where one may not be stored, and then the caller undoes the others. */
  function writeRuns(id: number, before: EpochState, session: number, runs: readonly NewRun[]): Commit | undefined {
    for (const run of runs) {
      if (!rows.useSalt(id, run.salt, session, run.firstCounter, run.count)) return undefined
    }
    let state = before
    const stored = runs.map(({ count, epochIndex, body, leaves }) => {
      const run = { first: state.sequence + 1, count, epochIndex, hashBefore: state.hash, body }
      rows.insertRun(id, run)
      state = appended(state, count, chainHash(state.hash, leaves))
      return run
    })
    rows.save(id, state)
    return { runs: stored, sequence: state.sequence, hash: state.hash }
  }

  function append({ room, session, runs }: AppendRequest): AppendResult {
    const document = rows.document(room)
    if (!document) return { stored: false, code: 'stale-epoch' }
    const code = judgeAppend(document.state, runs, now())
    if (code) return { stored: false, ...refusal(code, document) }
    const commit = writeRuns(document.id, document.state, session, runs)
    return commit ? { stored: true, commit } : { stored: false, code: 'out-of-order' }
  }

  function open({ room, session, runs, record, replaces, chunks }: OpenRequest): AppendResult {
    const document = rows.document(room)
    const code = judgeOpen(document?.state, { session, record, replaces }, now())
    if (code) return { stored: false, ...refusal(code, document) }
    const state = opened(document?.state, record, startHash(record.hash))
    const id = document?.id ?? rows.insertDocument(room, state)
    const epoch: EpochRecord = { ...record, after: state.sequence }
    rows.insertRecord(id, epoch)
    const commit = writeFirstCheckpoint(id, epoch, chunks) ? writeRuns(id, state, session, runs) : undefined
    return commit ? { stored: true, commit: { ...commit, opened: epoch } } : { stored: false, code: 'out-of-order' }
  }

  /** Stores the checkpoint with which an epoch begins, if it has one; false where its salt was used before. */
  function writeFirstCheckpoint(id: number, { index, hash, after }: EpochRecord, chunks: readonly NewChunk[]): boolean {
    const [first] = chunks
    if (!first) return true
    if (!rows.useSalt(id, first.salt, NO_SESSION, 1, chunks.length)) return false
    const place = {
      checkpoint: checkpointHash(chunks.map((chunk) => chunk.hash)),
      sequence: after,
      hash: startHash(hash),
      bytes: chunks.reduce((sum, { envelope }) => sum + envelope.length, 0),
    }
    const envelopes = chunks.map(({ envelope }) => envelope)
    const about = { epochIndex: index, salt: first.salt, subject: '', isNamed: true, storedAtUnixMs: now() }
    checkpoints.insert(id, { ...place, ...about }, envelopes)
    return true
  }

  function lease({ room, ...wish }: LeaseRequest): LeaseResult {
    const document = rows.document(room)
    if (!document) return { granted: false, code: 'stale-epoch' }
    const claimed = takeLease(document.state, wish, now())
    if (!claimed.granted) return { granted: false, ...refusal(claimed.code, document) }
    rows.save(document.id, claimed.state)
    return { granted: true }
  }

  function renew({ room, ...wish }: { room: string; session: number; leaseMs: number }): boolean {
    const document = rows.document(room)
    const state = document && renewed(document.state, wish, now())
    if (state) rows.save(document.id, state)
    return state !== undefined
  }

  function pause({ room, ...wish }: PauseRequest): PauseResult {
    const document = rows.document(room)
    if (!document) return { granted: false, code: 'busy' }
    const claimed = takePause(document.state, wish, now())
    if (!claimed.granted) return claimed
    rows.save(document.id, claimed.state)
    const { sequence, hash } = claimed.state
    return { granted: true, sequence, hash }
  }

  function release(room: string, session: number): void {
    const document = rows.document(room)
    if (!document) return
    const state = released(document.state, session)
    if (state !== document.state) rows.save(document.id, state)
  }

  /** A write that is not the journal's: it finds the document's tables complete. */
  function write<T>(room: string, change: () => T): Promise<T> {
    return group.add(() => {
      journal.settle(room)
      return change()
    })
  }

  /** A read of what the journal may have and the tables not yet. */
  function read<T>(room: string, look: () => T): Promise<T> | T {
    return journal.isAhead(room) ? write(room, look) : look()
  }

  /** Undoes what a refused request has written, and nothing of the others in its group. */
  function undoIfRefused(write: () => AppendResult): AppendResult {
    database.exec('SAVEPOINT request')
    const result = write()
    if (!result.stored) database.exec('ROLLBACK TO request')
    database.exec('RELEASE request')
    return result
  }

  function readRuns(room: string, after: number, maxBytes: number): StoredRun[] {
    const document = rows.document(room)
    if (!document || after >= document.state.sequence) return []
    const first = rows.runWith(document.id, after + 1)
    const runs: StoredRun[] = []
    let bytes = 0
    for (const run of rows.runsFrom(document.id, first?.first ?? 1)) {
      runs.push(runAfter(run, after))
      bytes += run.body.length
      if (bytes >= maxBytes) break
    }
    return runs
  }

  function hashAt(room: string, sequence: number): Uint8Array | undefined {
    const document = rows.document(room)
    if (!document || sequence < 1 || sequence > document.state.sequence) return undefined
    const run = rows.runWith(document.id, sequence)
    return run && hashWithin(run, sequence)
  }

  return {
    async head(room) {
      const document = rows.document(room)
      if (!document) return { sequence: 0, hash: NO_HASH }
      const { sequence, hash } = journal.state(room) ?? document.state
      return { sequence, hash, record: headRecord(document) }
    },

    append: (request) =>
      group.add(() => {
        const result = journal.append(request)
        if (result) return result
        journal.settle(request.room)
        // A single run is refused before anything is written: it needs no savepoint.
        return request.runs.length > 1 ? undoIfRefused(() => append(request)) : append(request)
      }),
    open: (request) => write(request.room, () => undoIfRefused(() => open(request))),
    // In the order of arrival with the appends: what was read before a pause is durable when the pause is answered.
    lease: (request) => write(request.room, () => lease(request)),
    renew: (request) => write(request.room, () => renew(request)),
    pause: (request) => write(request.room, () => pause(request)),
    release: (room, session) => write(room, () => release(room, session)),

    async checkpoint(room, hash, { first, last, maxBytes }) {
      const document = rows.document(room)
      const checkpoint = document && checkpoints.called(document.id, hash)
      if (!checkpoint) return undefined
      const chunks: Uint8Array[] = []
      let bytes = 0
      for (const { envelope } of checkpoints.chunks(checkpoint.id, first, last)) {
        chunks.push(envelope)
        bytes += envelope.length
        if (bytes >= maxBytes) break
      }
      return chunks.length > 0 ? { total: checkpoint.chunks, chunks } : undefined
    },

    async places(room, recordHash) {
      const document = rows.document(room)
      const record = document && rows.recordNamed(document.id, recordHash)
      if (!record) return undefined
      return checkpoints.ofEpoch(document.id, record.index, MAX_PLACES).reverse().map(placeOf)
    },

    read: async (room, after, maxBytes) => read(room, () => readRuns(room, after, maxBytes)),
    hashAt: async (room, sequence) => read(room, () => hashAt(room, sequence)),

    async records(room, held) {
      const document = rows.document(room)
      const all = document ? rows.records(document.id) : []
      const place = all.findIndex(({ hash }) => held !== undefined && sameHash(hash, held))
      const record = all[place]
      return record ? { held: record, after: all.slice(place + 1) } : { after: all }
    },

    async close() {
      group.flush()
      await Promise.all([group.add(() => journal.settleAll()), group.flush()])
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
