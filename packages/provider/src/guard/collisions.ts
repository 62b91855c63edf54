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
  const same = new IdRanges()
  const robbed = new Set<number>()
  for (const came of Y.decodeUpdate(admitted.update).structs) {
    if (came instanceof Y.Skip) continue
    const { client, clock } = came.id
    for (const [from, length] of asked.within(client, clock, came.length)) {
      for (const part of pieces(doc, client, from, length)) {
        const likeness = likenessOf(part, came, deletes, logState)
        if (likeness === 'same') same.add(client, part.clock, part.length)
        else if (likeness === 'other') robbed.add(client)
      }
    }
  }
  if (robbed.size === 0) return undefined
  return new Map([...robbed].map((client) => [client, firstUnsent(doc, logState, same, client)]))
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

/** From there on nothing of a client's content is in the log as it stands here. */
function firstUnsent(doc: Y.Doc, logState: LogState, same: IdRanges, client: number): number {
  const state = Y.getState(doc.store, client)
  for (const [clock, length] of logState.missingStructs(client, 0, state)) {
    const [first] = same.missing(client, clock, length)
    if (first !== undefined) return first[0]
  }
  return state
}
