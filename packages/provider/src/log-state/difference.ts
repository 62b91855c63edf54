import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { LogState } from './log-state.ts'

type DeleteSet = ReturnType<typeof Y.decodeUpdate>['ds']
type DeleteRanges = Map<number, Array<readonly [number, number]>>

/**
 * Content of a Y.Doc that the log lacks, as one update; undefined if there is none, so that an idle reconnect sends zero
 * bytes. `Y.encodeStateAsUpdate` always carries the whole delete set (kilobytes on real documents): here it is cut to the
 * missing ranges (protocol §7, the law).
 */
export function difference(doc: Y.Doc, logState: LogState): Uint8Array | undefined {
  const vector = encodeStateVector(logState.stateVector())
  const update = Y.encodeStateAsUpdate(doc, vector)
  const decoded = Y.decodeUpdate(update)
  if (logState.covers(decoded)) return undefined
  const missing: DeleteRanges = new Map()
  decoded.ds.clients.forEach((items, client) => {
    const ranges = items.flatMap((item) => logState.missingDeletes(client, item.clock, item.len))
    if (ranges.length > 0) missing.set(client, ranges)
  })
  return replaceDeleteSet(update, decoded.ds, missing)
}

/**
 * The same with the content of deleted text left out. An undone paste is deleted, but the undo manager keeps its content for a redo,
 * and the plain difference carries it. Costs a second document for the time it takes.
 */
export function compactDifference(doc: Y.Doc, logState: LogState): Uint8Array | undefined {
  const scratch = new Y.Doc()
  Y.applyUpdate(scratch, Y.encodeStateAsUpdate(doc))
  const update = difference(scratch, logState)
  scratch.destroy()
  return update
}

/** A V1 update is a struct section followed by a delete set; the delete set is swapped by its length from the end. */
function replaceDeleteSet(update: Uint8Array, ds: DeleteSet, ranges: DeleteRanges): Uint8Array {
  const whole: DeleteRanges = new Map()
  ds.clients.forEach((items, client) => {
    whole.set(
      client,
      items.map((item) => [item.clock, item.len] as const),
    )
  })
  const wholeBytes = encodeDeleteRanges(whole)
  const structsEnd = update.length - wholeBytes.length
  // Were Yjs ever to order its delete sets in another way, the whole update is still right, only larger.
  if (structsEnd < 1 || wholeBytes.some((byte, i) => byte !== update[structsEnd + i])) return update
  const cut = encodeDeleteRanges(ranges)
  const out = new Uint8Array(structsEnd + cut.length)
  out.set(update.subarray(0, structsEnd))
  out.set(cut, structsEnd)
  return out
}

function encodeDeleteRanges(ranges: DeleteRanges): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, ranges.size)
  for (const [client, list] of ranges) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, list.length)
    for (const [clock, length] of list) {
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarUint(encoder, length)
    }
  }
  return encoding.toUint8Array(encoder)
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
