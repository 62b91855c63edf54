import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { EarlyDeletes } from '../guard/early-deletes.ts'
import { type IdRun, type ScannedUpdate, scanUpdate, UnusableUpdate } from '../guard/scan-update.ts'
import { runsWithout, withDeletes } from './delete-set.ts'
import type { LogState } from './log-state.ts'

/**
 * Content of a Y.Doc that the log lacks, as one update; undefined if there is none, so that an idle reconnect sends zero
 * bytes. `Y.encodeStateAsUpdate` always carries the whole delete set (kilobytes on real documents): here it is cut to the
 * missing ranges (protocol §7, the law), without those of what neither the log (`logged`) nor the update holds, such as Yjs keeps
 * of another provider's: to the others that would be harm.
 */
export function difference(doc: Y.Doc, logState: LogState, logged: LogState = logState): Uint8Array | undefined {
  const { store } = doc
  // Nearly always, when a document is opened: seen without encoding any of it.
  if (store.pendingStructs === null && store.pendingDs === null && logState.coversStore(store)) return undefined
  const update = Y.encodeStateAsUpdate(doc, encodeStateVector(logState.stateVector()))
  const scanned = scanOwn(update)
  // What the others would not take is told of where it would be sent.
  if (scanned === undefined) return update
  const missing: IdRun[] = scanned.deletes.flatMap(({ client, clock, length }) =>
    logState.missingDeletes(client, clock, length).map(([start, count]) => ({ client, clock: start, length: count })),
  )
  const early = EarlyDeletes.of({ ...scanned, deletes: missing }, logged)
  const deletes = early.length === 0 ? missing : runsWithout(missing, early)
  if (deletes.length === 0 && logState.coversRuns(scanned.structs)) return undefined
  return withDeletes(update, scanned, deletes)
}

function scanOwn(update: Uint8Array): ScannedUpdate | undefined {
  try {
    return scanUpdate(update)
  } catch (error) {
    if (error instanceof UnusableUpdate) return undefined
    throw error
  }
}

/**
 * The same with the content of deleted text left out. An undone paste is deleted, but the undo manager keeps its content for a redo,
 * and the plain difference carries it. Costs a second document for the time it takes.
 */
export function compactDifference(doc: Y.Doc, logState: LogState, logged: LogState = logState): Uint8Array | undefined {
  const scratch = new Y.Doc()
  Y.applyUpdate(scratch, Y.encodeStateAsUpdate(doc))
  const update = difference(scratch, logState, logged)
  scratch.destroy()
  return update
}

function encodeStateVector(vector: Map<number, number>): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, vector.size)
  for (const [client, clock] of vector) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
  }
  return encoding.toUint8Array(encoder)
}
