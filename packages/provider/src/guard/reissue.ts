import * as Y from 'yjs'
import { encodeDeletes } from '../log-state/delete-set.ts'
import type { LogState } from '../log-state/log-state.ts'
import type { Robbed } from './collisions.ts'

/** Yjs origin of the transaction in which content gets other ids: every provider of the document then forgets what it was about to send. */
export const REISSUED = { reissued: true }

const MAX_CLIENT_ID = 2 ** 32

/**
 * Gives content that is not in the log other client ids, in place: nothing that a user or an editor sees changes, and the document is as if it had been
 * written under those. What rests on it goes along. Yjs' `update` event carries it under its new ids. False: some of it is in the log already.
 * Not to be called within a transaction.
 */
export function reissue(doc: Y.Doc, logState: LogState, robbed: Robbed): boolean {
  const from = withDependents(doc, logState, robbed)
  for (const [client, clock] of from) {
    const length = Y.getState(doc.store, client) - clock
    const missing = logState.missingStructs(client, clock, length).reduce((sum, [, count]) => sum + count, 0)
    if (missing !== length) return false
  }
  const fresh = new Map<number, number>()
  for (const client of from.keys()) fresh.set(client, neighbourOf(client, doc, logState, [...fresh.values()]))
  doc.transact((transaction) => {
    for (const [client, clock] of from) splitAt(transaction, client, clock)
    const moved = [...from].flatMap(([client, clock]) =>
      takeTail(transaction, client, clock, fresh.get(client) as number),
    )
    const renamed = (id: Y.ID | null): Y.ID | null => {
      const start = id === null ? undefined : from.get(id.client)
      if (id === null || start === undefined || id.clock < start) return id
      return Y.createID(fresh.get(id.client) as number, id.clock - start)
    }
    for (const struct of moved) {
      struct.id = renamed(struct.id) as Y.ID
      if (!(struct instanceof Y.Item)) continue
      struct.origin = renamed(struct.origin)
      struct.rightOrigin = renamed(struct.rightOrigin)
    }
    for (const structs of doc.store.clients.values())
      for (const struct of structs)
        if (struct instanceof Y.Item && struct.redone !== null) struct.redone = renamed(struct.redone)
    noteDeleted(transaction, moved)
    for (const [client, id] of fresh) {
      const tail = moved.filter((struct) => struct.id.client === id)
      if (tail.length > 0) doc.store.clients.set(id, tail)
      if (doc.clientID === client) doc.clientID = id
    }
  }, REISSUED)
  return true
}

/** What of other client ids stands beside, or in, what is to be moved: a client's content has no holes, so that all behind it goes along. */
function withDependents(doc: Y.Doc, logState: LogState, robbed: Robbed): Map<number, number> {
  const from = new Map(robbed)
  const isMoved = (id: Y.ID | null | undefined): boolean => {
    const start = id ? from.get(id.client) : undefined
    return start !== undefined && id !== null && id !== undefined && id.clock >= start
  }
  for (let hasGrown = true; hasGrown; ) {
    hasGrown = false
    for (const [client, structs] of doc.store.clients) {
      const [first] = logState.missingStructs(client, 0, Y.getState(doc.store, client))
      if (first === undefined) continue
      const before = from.get(client) ?? Number.POSITIVE_INFINITY
      for (let i = Y.findIndexSS(structs, first[0]); i < structs.length; i++) {
        const struct = structs[i] as Y.Item | Y.GC
        if (struct.id.clock >= before) break
        if (!(struct instanceof Y.Item)) continue
        const parent = struct.parent instanceof Y.AbstractType ? struct.parent._item?.id : undefined
        if (![struct.origin, struct.rightOrigin, parent].some(isMoved)) continue
        from.set(client, struct.id.clock)
        hasGrown = true
        break
      }
    }
  }
  return from
}

/**
 * A client id that nobody has, between the same others: the order of what was written side by side depends on whose id is the greater. Nobody can foresee it.
 */
function neighbourOf(client: number, doc: Y.Doc, logState: LogState, taken: readonly number[]): number {
  const known = [...doc.store.clients.keys(), ...logState.clients(), ...taken, client]
  const above = Math.min(MAX_CLIENT_ID, ...known.filter((id) => id > client))
  const below = Math.max(-1, ...known.filter((id) => id < client))
  if (above - client > 1) return client + 1 + Math.floor(Math.random() * (above - client - 1))
  if (client - below > 1) return client - 1 - Math.floor(Math.random() * (client - below - 1))
  return new Y.Doc().clientID
}

function splitAt(transaction: Y.Transaction, client: number, clock: number): void {
  const structs = transaction.doc.store.clients.get(client) ?? []
  const i = Y.findIndexSS(structs, clock)
  const struct = structs[i]
  if (struct === undefined || struct.id.clock === clock) return
  if (struct instanceof Y.GC) {
    const length = struct.id.clock + struct.length - clock
    struct.length -= length
    structs.splice(i + 1, 0, new Y.GC(Y.createID(client, clock), length))
  } else {
    Y.getItemCleanStart(transaction, Y.createID(client, clock))
  }
}

/** For whoever keeps what the `update` event says: of what is deleted an undo manager may hold the content. */
function noteDeleted(transaction: Y.Transaction, moved: ReadonlyArray<Y.Item | Y.GC>): void {
  const deleted = moved.filter((struct) => struct.deleted).map(({ id, length }) => ({ ...id, length }))
  if (deleted.length === 0) return
  const { clients } = Y.decodeUpdate(encodeDeletes(deleted)).ds
  for (const [client, items] of clients) transaction.deleteSet.clients.set(client, items)
}

function takeTail(transaction: Y.Transaction, client: number, clock: number, fresh: number): Array<Y.Item | Y.GC> {
  const { clients } = transaction.doc.store
  const structs = clients.get(client) ?? []
  const tail = structs.splice(Y.findIndexSS(structs, clock))
  if (structs.length === 0) clients.delete(client)
  // What Yjs does after a transaction it does between these states: the one shrinks, the other begins.
  transaction.beforeState.set(client, clock)
  transaction.beforeState.delete(fresh)
  return tail
}
