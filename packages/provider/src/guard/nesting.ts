import * as Y from 'yjs'
import { MAX_TYPE_DEPTH } from './guard-limits.ts'
import { type IdRun, type ItemPlace, scanUpdate } from './scan-update.ts'

/** How many of those are remembered that wait in Yjs for something that is missing; who sends more types into nowhere is refused. */
const MAX_WAITING_ITEMS = 65_536

interface PlacedItem extends IdRun {
  readonly isType: boolean
  readonly place: ItemPlace | undefined
  /** In how many types it stands that are not the document's own; undefined: not known yet. */
  depth: number | undefined
}

/**
 * How deep shared types stand in each other, over all updates: each may add a little. Deleting the outermost would then end in the engine's stack, at each
 * reader in another depth. Follows the chain of parents in the document, which the log alone decides; what is deleted counts for nothing, since what is
 * put into it is deleted on arrival.
 */
export class Nesting {
  readonly #doc: Y.Doc
  /** Items, by client and clock, whose parent is not there: Yjs keeps them until it comes. */
  readonly #waiting = new Map<number, PlacedItem[]>()
  #waitingItems = 0

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  /** True: some type of the update would stand too deep. */
  isTooDeep(update: Uint8Array): boolean {
    const items = new Map<number, PlacedItem[]>()
    const types: PlacedItem[] = []
    scanUpdate(update, ({ client, clock, length }, isType, place) => {
      const item: PlacedItem = { client, clock, length, isType, place, depth: undefined }
      const ofClient = items.get(client)
      if (ofClient === undefined) items.set(client, [item])
      else ofClient.push(item)
      if (isType) types.push(item)
    })
    let isWaiting = false
    for (const type of types) {
      const isThere = this.#resolve(type, items)
      isWaiting ||= !isThere
      if ((type.depth ?? 0) >= MAX_TYPE_DEPTH) return true
    }
    return isWaiting && !this.#remember(items)
  }

  forget(): void {
    this.#waiting.clear()
    this.#waitingItems = 0
  }

  /** Finds the depth of an item, and of all that it rests on in the same update. False: what they rest on is not in the document. */
  #resolve(item: PlacedItem, items: ReadonlyMap<number, PlacedItem[]>): boolean {
    const chain: PlacedItem[] = []
    let isThere = true
    let at: PlacedItem | undefined = item
    let depth = 0
    while (at !== undefined) {
      if (at.depth !== undefined) {
        depth = at.depth
        break
      }
      // Two items that rest on each other never leave what waits.
      at.depth = 0
      chain.push(at)
      const { place }: PlacedItem = at
      if (place === undefined) break
      const next: PlacedItem | undefined = findItem(items.get(place.client), place.clock)
      if (next !== undefined) {
        at = next
        continue
      }
      isThere = place.clock < Y.getState(this.#doc.store, place.client)
      const base = isThere
        ? depthOf(structAt(this.#doc, place.client, place.clock))
        : (findItem(this.#waiting.get(place.client), place.clock)?.depth ?? 0)
      chain.pop()
      depth = base + (place.isBeside ? 0 : 1)
      at.depth = depth
      break
    }
    // From what is known back to the item: into a type is one deeper, beside an item is as deep as that.
    for (let i = chain.length - 1; i >= 0; i--) {
      const each = chain[i] as PlacedItem
      const { place } = each
      if (place !== undefined) depth += place.isBeside ? 0 : 1
      else depth = 0
      each.depth = depth
    }
    return isThere
  }

  #remember(items: ReadonlyMap<number, PlacedItem[]>): boolean {
    for (const [client, added] of items) {
      for (const item of added) this.#resolve(item, items)
      const waiting = this.#waiting.get(client) ?? []
      this.#waiting.set(
        client,
        [...waiting, ...added].sort((a, b) => a.clock - b.clock),
      )
      this.#waitingItems += added.length
    }
    return this.#waitingItems <= MAX_WAITING_ITEMS
  }
}

function structAt(doc: Y.Doc, client: number, clock: number): Y.Item | Y.GC | undefined {
  const structs = doc.store.clients.get(client)
  return structs?.[Y.findIndexSS(structs, clock)]
}

/** In how many types that are not the document's own an item stands. */
function depthOf(struct: Y.Item | Y.GC | undefined): number {
  let depth = 0
  let at: Y.Item | null = struct instanceof Y.Item ? struct : null
  while (at !== null) {
    // Yjs has put every item that is in the document into a type, or made garbage of it.
    const parent = at.parent as Y.AbstractType<unknown> | null
    at = parent?._item ?? null
    if (at === null) break
    if (at.deleted) return 0
    depth++
  }
  return depth
}

function findItem(items: readonly PlacedItem[] | undefined, clock: number): PlacedItem | undefined {
  if (items === undefined) return undefined
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle] as PlacedItem
    if (item.clock + item.length <= clock) low = middle + 1
    else high = middle
  }
  const item = items[low]
  return item !== undefined && item.clock <= clock ? item : undefined
}
