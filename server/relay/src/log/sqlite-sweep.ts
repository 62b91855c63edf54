import { dueKinds, type SweepTerms } from './retention.ts'
import { hashWithin } from './run-chain.ts'
import type { DueReplaced } from './sqlite-pruning-rows.ts'
import type { Tables } from './sqlite-tables.ts'
import { pruneStep, STEP_CHUNKS, STEP_RUNS } from './sweep-step.ts'

/** Deletes some of what is due, at most a step of it; whether there may be more. `settle` completes a document's tables. */
export function sweepStep(tables: Tables, terms: SweepTerms, settle: (document: number) => void): boolean {
  const { pruning, now } = tables
  for (const { kind, throughUnixMs } of dueKinds(terms, now())) {
    const due = pruning.due(kind, throughUnixMs)
    if (!due) continue
    settle(due.document)
    if (isGoneAfterStep(tables, due, terms)) pruning.forget(due.id)
    return true
  }
  return false
}

function isGoneAfterStep(tables: Tables, due: DueReplaced, { saltMs }: SweepTerms): boolean {
  const { pruning, now } = tables
  const { document, epochIndex, kind, checkpoint, through } = due
  if (kind === 'document') return tables.deleted.purgeStep(document)
  if (kind === 'draft') return dropCheckpoint(tables, document, checkpoint)
  const last = kind === 'base' ? through : (pruning.endOf(document, epochIndex) ?? 0)
  if (!pruneRuns(tables, document, epochIndex, last)) return false
  const pruned = pruning.prunedOf(document, epochIndex)
  // Where old epochs go, all before this one have gone, and the salts that were still in use then go now.
  const after = kind === 'base' ? pruned.after : 0
  pruning.deleteSalts(document, after, pruned.through, now() - saltMs)
  if (kind === 'base') return checkpoint === 0 || dropCheckpoint(tables, document, checkpoint)
  // Each in a step of its own, and the readers have had their time.
  pruning.replaceAll(document, epochIndex, 0)
  return true
}

/** Some entries of an epoch through `through`, oldest first; whether all are gone that end there. A run is never cut. */
function pruneRuns({ rows, pruning }: Tables, document: number, epochIndex: number, through: number): boolean {
  const { through: before } = pruning.prunedOf(document, epochIndex)
  const step = pruneStep(pruning.runSizes(document, before, through, STEP_RUNS), through)
  const run = step && rows.runWith(document, step.lastRun)
  if (!run) return true
  const end = run.first + run.count - 1
  // Who has read through there can still be told that it is this log.
  pruning.savePruned(document, epochIndex, { through: end, hash: hashWithin(run, end) })
  pruning.deleteRuns(document, step.firstRun, step.lastRun)
  return step.isLast
}

/** Nobody finds it from the first step on; whether its last chunk is gone. */
function dropCheckpoint({ pruning }: Tables, document: number, checkpoint: number): boolean {
  pruning.hideCheckpoint(document, checkpoint)
  return pruning.deleteChunks(checkpoint, STEP_CHUNKS)
}
