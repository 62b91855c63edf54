import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { ReplacedKind } from './retention.ts'
import type { RunSize } from './sweep-step.ts'

/** What is not needed any more. */
export interface Replaced {
  document: number
  epochIndex: number
  kind: ReplacedKind
  /** Number of the checkpoint; 0 = none. */
  checkpoint: number
  /** The last sequence of the entries. */
  through: number
  atUnixMs: number
}

export interface DueReplaced extends Replaced {
  id: number
}

/** What is gone of an epoch: the entries after `after`, through `through`, where H is `hash`. */
export interface Pruned {
  after: number
  through: number
  hash: Uint8Array | null
}

export type PruningRows = ReturnType<typeof createPruningRows>

/** What was replaced, what is gone, and how it goes. */
export function createPruningRows(database: DatabaseSyncInstance) {
  const insertReplaced = database.prepare(
    'INSERT INTO replaced (document, epoch_index, kind, checkpoint, through, at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const due = database.prepare(
    `SELECT id, document, epoch_index AS epochIndex, kind, checkpoint, through, at AS atUnixMs
       FROM replaced WHERE kind = ? AND at <= ? ORDER BY at, id LIMIT 1`,
  )
  const forget = database.prepare('DELETE FROM replaced WHERE id = ?')
  const prunedOf = database.prepare(
    `SELECT after_sequence AS after, max(pruned_through, after_sequence) AS through, pruned_hash AS hash
       FROM records WHERE document = ? AND epoch_index = ?`,
  )
  const savePruned = database.prepare(
    'UPDATE records SET pruned_through = ?, pruned_hash = ? WHERE document = ? AND epoch_index = ?',
  )
  const endOf = database.prepare(
    'SELECT min(after_sequence) AS end FROM records WHERE document = ? AND epoch_index > ?',
  )
  const highest = database.prepare('SELECT max(pruned_through) AS through FROM records WHERE document = ?')
  const hashWhereEnds = database.prepare(
    'SELECT pruned_hash AS hash FROM records WHERE document = ? AND pruned_through = ?',
  )
  const gap = database.prepare(
    'SELECT 1 FROM records WHERE document = ? AND after_sequence < ? AND pruned_through > ? LIMIT 1',
  )
  const runSizes = database.prepare(
    `SELECT first_sequence AS first, entries AS count, length(body) AS bodyBytes FROM runs
       WHERE document = ? AND first_sequence > ? AND first_sequence <= ? ORDER BY first_sequence LIMIT ?`,
  )
  const deleteRuns = database.prepare('DELETE FROM runs WHERE document = ? AND first_sequence BETWEEN ? AND ?')
  const deleteSalts = database.prepare(
    'DELETE FROM salts WHERE document = ? AND last_sequence > ? AND last_sequence <= ? AND used_at <= ?',
  )
  const deleteSaltOf = database.prepare(
    `DELETE FROM salts WHERE document = :document
       AND salt = (SELECT salt FROM checkpoints WHERE id = :checkpoint AND document = :document)`,
  )
  const deleteCheckpoint = database.prepare('DELETE FROM checkpoints WHERE id = ?')
  const replaceAll = database.prepare(
    `INSERT INTO replaced (document, epoch_index, kind, checkpoint, through, at)
       SELECT document, epoch_index, 'draft', id, 0, ? FROM checkpoints WHERE document = ? AND epoch_index = ?`,
  )
  const deleteChunks = database.prepare(
    'DELETE FROM chunks WHERE checkpoint = ? AND chunk IN (SELECT chunk FROM chunks WHERE checkpoint = ? LIMIT ?)',
  )

  return {
    insertReplaced({ document, epochIndex, kind, checkpoint, through, atUnixMs }: Replaced): void {
      insertReplaced.run(document, epochIndex, kind, checkpoint, through, atUnixMs)
    },
    /** All checkpoints of an epoch. */
    replaceAll(document: number, epochIndex: number, atUnixMs: number): void {
      replaceAll.run(atUnixMs, document, epochIndex)
    },
    /** The first that was replaced then or earlier. */
    due(kind: ReplacedKind, throughUnixMs: number): DueReplaced | undefined {
      const row: DueReplaced | undefined = due.get(kind, throughUnixMs)
      return row
    },
    forget(id: number): void {
      forget.run(id)
    },
    /** What is gone of an epoch; `through` is `after` where nothing is. */
    prunedOf(document: number, epochIndex: number): Pruned {
      const row: Pruned | undefined = prunedOf.get(document, epochIndex)
      return row ?? { after: 0, through: 0, hash: null }
    },
    savePruned(document: number, epochIndex: number, { through, hash }: Omit<Pruned, 'after'>): void {
      savePruned.run(through, hash, document, epochIndex)
    },
    /** The last sequence of an epoch that another one follows. */
    endOf(document: number, epochIndex: number): number | undefined {
      const row: { end: number | null } = endOf.get(document, epochIndex)
      return row.end ?? undefined
    },
    /** The highest sequence through which something is gone; 0 = nothing is. */
    highest(document: number): number {
      const row: { through: number | null } = highest.get(document)
      return row.through ?? 0
    },
    /** H after this entry, if it is the last one that is gone of an epoch. */
    hashWhereEnds(document: number, sequence: number): Uint8Array | undefined {
      const row: { hash: Uint8Array } | undefined = hashWhereEnds.get(document, sequence)
      return row?.hash
    },
    /** Whether some entry after `after`, through `through`, is gone. */
    hasGap(document: number, after: number, through: number): boolean {
      return gap.get(document, through, after) !== undefined
    },
    /** Runs that begin after `after` and at the latest at `through`. */
    runSizes(document: number, after: number, through: number, max: number): RunSize[] {
      const rows: RunSize[] = runSizes.all(document, after, through, max)
      return rows
    },
    deleteRuns(document: number, first: number, last: number): void {
      deleteRuns.run(document, first, last)
    },
    /** Those whose last entry stands after `after`, through `through`, and that were last used then or earlier. */
    deleteSalts(document: number, after: number, through: number, usedUnixMs: number): void {
      deleteSalts.run(document, after, through, usedUnixMs)
    },
    /** Nobody finds it any more; its chunks are still there. */
    hideCheckpoint(document: number, checkpoint: number): void {
      deleteSaltOf.run({ document, checkpoint })
      deleteCheckpoint.run(checkpoint)
    },
    /** Some chunks of a hidden checkpoint; whether those were the last. */
    deleteChunks(checkpoint: number, max: number): boolean {
      return deleteChunks.run(checkpoint, checkpoint, max).changes < max
    },
  }
}
