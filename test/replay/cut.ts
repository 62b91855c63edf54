import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** Clocks `from` up to and without `to` of one client id. */
export interface Range {
  readonly client: number
  readonly from: number
  readonly to: number
}

/**
 * A Yjs update with exactly the given content and deletions of a document that may hold more: what lets a replay hand
 * on what has arrived up to one point of history and not a character further, however many edits one entry carried.
 *
 * The document must have been made with `gc: false`; otherwise what was deleted later is gone and cannot be handed on.
 */
export function cutUpdate(doc: Y.Doc, content: readonly Range[], deletions: readonly Range[]): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  // A transaction, because structs are split where a range ends; it merges them again when it closes.
  doc.transact((transaction) => {
    const ranges = content.filter(({ from, to }) => to > from)
    encoding.writeVarUint(encoder.restEncoder, ranges.length)
    // Yjs writes and expects higher client ids first.
    for (const { client, from, to } of [...ranges].sort((a, b) => b.client - a.client)) {
      const { store } = doc
      if (to < Y.getState(store, client)) Y.getItemCleanStart(transaction, Y.createID(client, to))
      const structs = store.clients.get(client) ?? []
      const first = Y.findIndexSS(structs, from)
      const last = Y.findIndexSS(structs, to - 1)
      encoding.writeVarUint(encoder.restEncoder, last - first + 1)
      encoder.writeClient(client)
      encoding.writeVarUint(encoder.restEncoder, from)
      for (const struct of structs.slice(first, last + 1)) {
        struct.write(encoder, Math.max(0, from - struct.id.clock))
      }
    }
    writeDeletions(encoder, deletions)
  })
  return encoder.toUint8Array()
}

/** Whether the document holds all of the content and has deleted all of the deletions. */
export function holds(doc: Y.Doc, content: readonly Range[], deletions: readonly Range[]): boolean {
  const { store } = doc
  if (content.some(({ client, to }) => Y.getState(store, client) < to)) return false
  return deletions.every(({ client, from, to }) => {
    if (Y.getState(store, client) < to) return false
    const structs = store.clients.get(client) ?? []
    const first = Y.findIndexSS(structs, from)
    const last = Y.findIndexSS(structs, to - 1)
    return structs.slice(first, last + 1).every((struct) => struct.deleted)
  })
}

/** What a single transaction deleted, read from the update it made. */
export function deletionsOf(update: Uint8Array): Range[] {
  return [...Y.decodeUpdate(update).ds.clients].flatMap(([client, items]) =>
    items.map(({ clock, len }) => ({ client, from: clock, to: clock + len })),
  )
}

function writeDeletions(encoder: Y.UpdateEncoderV1, deletions: readonly Range[]): void {
  const byClient = groupByClient(deletions)
  encoding.writeVarUint(encoder.restEncoder, byClient.size)
  for (const [client, ranges] of byClient) {
    encoder.resetDsCurVal()
    encoding.writeVarUint(encoder.restEncoder, client)
    encoding.writeVarUint(encoder.restEncoder, ranges.length)
    for (const { from, to } of ranges) {
      encoder.writeDsClock(from)
      encoder.writeDsLen(to - from)
    }
  }
}

function groupByClient(ranges: readonly Range[]): Map<number, Range[]> {
  const byClient = new Map<number, Range[]>()
  for (const range of ranges) {
    const known = byClient.get(range.client)
    if (known === undefined) byClient.set(range.client, [range])
    else known.push(range)
  }
  return byClient
}
