import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** [start, end) in Yjs clocks. */
type Range = [number, number]

/** Apart from every other hash of the project. */
const LABEL = new TextEncoder().encode('y-sealed/v1/digest')

/**
 * Names a document state, for a checkpoint's manifest: SHA-256 over which Yjs ids exist and which of them are deleted, 32 bytes. Of what
 * `Y.encodeStateAsUpdate` gave; equal for all documents that have converged, whatever they have merged, collected as garbage or kept for an undo,
 * and another one where a single delete is missing, which a state vector does not show.
 */
export async function documentDigest(update: Uint8Array): Promise<Uint8Array> {
  // Yjs walks the structs one by one here: to decode them all at once would take many times the bytes of a large document.
  const vector = Y.encodeStateVectorFromUpdate(update)
  const { structs, ds } = Y.decodeUpdate(Y.diffUpdate(update, vector))
  const existing = new Map<number, Range[]>()
  for (const [client, end] of Y.decodeStateVector(vector)) add(existing, client, 0, end)
  // Ids behind a gap, which a state vector leaves out.
  for (const { id, length } of structs.filter((struct) => !(struct instanceof Y.Skip))) {
    add(existing, id.client, id.clock, length)
  }
  const deleted = new Map<number, Range[]>()
  ds.clients.forEach((items, client) => {
    for (const { clock, len } of items) add(deleted, client, clock, len)
  })
  const encoder = encoding.createEncoder()
  encoding.writeUint8Array(encoder, LABEL)
  writeRanges(encoder, existing)
  writeRanges(encoder, deleted)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoding.toUint8Array(encoder)))
}

function add(byClient: Map<number, Range[]>, client: number, start: number, length: number): void {
  if (length === 0) return
  const ranges = byClient.get(client)
  if (ranges === undefined) byClient.set(client, [[start, start + length]])
  else ranges.push([start, start + length])
}

/** One way to write them: clients ascending, ranges ascending, merged where they touch. */
function writeRanges(encoder: encoding.Encoder, byClient: Map<number, Range[]>): void {
  encoding.writeVarUint(encoder, byClient.size)
  for (const [client, ranges] of [...byClient].sort(([a], [b]) => a - b)) {
    const merged = merge(ranges)
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, merged.length)
    for (const [start, end] of merged) {
      encoding.writeVarUint(encoder, start)
      encoding.writeVarUint(encoder, end - start)
    }
  }
}

function merge(ranges: Range[]): Range[] {
  const merged: Range[] = []
  for (const [start, end] of ranges.sort(([a], [b]) => a - b)) {
    const last = merged.at(-1)
    if (last === undefined || start > last[1]) merged.push([start, end])
    else last[1] = Math.max(last[1], end)
  }
  return merged
}
