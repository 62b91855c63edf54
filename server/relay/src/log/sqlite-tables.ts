import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import type { EpochRecord } from './log-store.ts'
import { hashWithin } from './run-chain.ts'
import { type CheckpointRows, createCheckpointRows } from './sqlite-checkpoint-rows.ts'
import { createDeletedRows, type DeletedRows } from './sqlite-deleting.ts'
import { createPruningRows, type PruningRows } from './sqlite-pruning-rows.ts'
import { createRows, type Rows, type StoredDocument } from './sqlite-rows.ts'

/** What every part of the store works on. */
export interface Tables {
  rows: Rows
  checkpoints: CheckpointRows
  pruning: PruningRows
  deleted: DeletedRows
  /** Unix ms. */
  now(): number
}

export function createTables(database: DatabaseSyncInstance, now: () => number): Tables {
  return {
    rows: createRows(database),
    checkpoints: createCheckpointRows(database),
    pruning: createPruningRows(database),
    deleted: createDeletedRows(database),
    now,
  }
}

export function headRecord({ rows }: Tables, { id, state }: StoredDocument): EpochRecord {
  const record = rows.record(id, state.head.index)
  if (!record) throw new RelayError('storage', 'a document without its head record')
  return record
}

/** A refusal's code, and the head record with those for which a client needs it. */
export function refusal<Code extends string>(tables: Tables, code: Code, document: StoredDocument | undefined) {
  return { code, ...(code === 'stale-epoch' && document && { record: headRecord(tables, document).bytes }) }
}

/** H after the entry `sequence`; undefined where there is none, or where neither it nor anything that tells is kept. */
export function hashAfter({ rows, pruning }: Tables, { id, state }: StoredDocument, sequence: number) {
  if (sequence < 1 || sequence > state.sequence) return undefined
  const run = rows.runWith(id, sequence)
  if (run && sequence < run.first + run.count) return hashWithin(run, sequence)
  return pruning.hashWhereEnds(id, sequence)
}
