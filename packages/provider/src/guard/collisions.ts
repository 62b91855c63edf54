import * as Y from 'yjs'
import { IdRanges } from '../log-state/id-ranges.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Admitted } from './guard.ts'
import { compare, isGarbage, type Likeness } from './same-content.ts'

/** From which clock on the content of a client id that waits here to be sent is another's in the log. */
export type Robbed = ReadonlyMap<number, number>

/**
 * What an update of the log brings under ids under which this document holds something else that the log does not have: by malice, or because a client id is
 * used twice. The first in the log's order is everybody's; what stands here has to get other ids. Undefined: nothing of that kind. To be asked before the
 * update is applied.
 */
export function findCollisions(doc: Y.Doc, logState: LogState, admitted: Admitted): Robbed | undefined {
  const unsent = admitted.structs.flatMap(({ client, clock, length }) => {
    const end = Math.min(clock + length, Y.getState(doc.store, client))
    return end <= clock
      ? []
      : logState
          .missingStructs(client, clock, end - clock)
          .map(([from, count]) => ({ client, clock: from, length: count }))
  })
  if (unsent.length === 0) return undefined
  const asked = IdRanges.of(unsent)
  const deletes = IdRanges.of(admitted.deletes)
  const found = new Map<number, Comparison>()
  for (const came of Y.decodeUpdate(admitted.update).structs) {
    if (came instanceof Y.Skip) continue
    const { client, clock } = came.id
    for (const [from, length] of asked.within(client, clock, came.length)) {
      for (const part of pieces(doc, client, from, length)) {
        const comparison = found.get(client) ?? { sameThrough: 0, other: undefined }
        const likeness = likenessOf(part, came, deletes, logState)
        if (comparison.other === undefined && likeness === 'same') comparison.sameThrough = part.clock + part.length
        if (likeness === 'other') comparison.other ??= part.clock
        found.set(client, comparison)
      }
    }
  }
  const robbed = new Map<number, number>()
  for (const [client, { sameThrough, other }] of found) {
    if (other === undefined) continue
    // What is garbage tells nothing: behind the last that is the same, it may be another's too.
    const [first] = logState.missingStructs(client, sameThrough, Y.getState(doc.store, client) - sameThrough)
    robbed.set(client, first?.[0] ?? other)
  }
  return robbed.size === 0 ? undefined : robbed
}

/** Of one client: clocks up to which it is the same, and from which on it is another's. In an update they rise. */
interface Comparison {
  sameThrough: number
  other: number | undefined
}

interface Piece {
  readonly there: Y.Item | Y.GC
  readonly clock: number
  readonly length: number
}

/** The structs of the document that hold these ids, each with its part of them. */
function pieces(doc: Y.Doc, client: number, clock: number, length: number): Piece[] {
  const structs = doc.store.clients.get(client) ?? []
  const found: Piece[] = []
  const end = clock + length
  for (let i = Y.findIndexSS(structs, clock), at = clock; at < end; i++) {
    const there = structs[i] as Y.Item | Y.GC
    const until = Math.min(end, there.id.clock + there.length)
    found.push({ there, clock: at, length: until - at })
    at = until
  }
  return found
}

/** What came without its content was deleted, and that has to be told of. */
function likenessOf(
  { there, clock, length }: Piece,
  came: Y.Item | Y.GC,
  deletes: IdRanges,
  logState: LogState,
): Likeness {
  const { client } = came.id
  if (isGarbage(came) && !there.deleted) {
    const isTold = (from: number, count: number): boolean => logState.missingDeletes(client, from, count).length === 0
    if (!deletes.missing(client, clock, length).every(([from, count]) => isTold(from, count))) return 'other'
  }
  return compare(there, came, clock, length)
}
