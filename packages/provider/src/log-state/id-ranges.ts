import type * as Y from 'yjs'

/** A half-open range of Yjs clocks [start, end) of one client. */
interface Range {
  start: number
  end: number
}

/** A set of Yjs ids (client, clock), kept as sorted, disjoint, non-touching ranges per client. */
export class IdRanges {
  readonly #byClient = new Map<number, Range[]>()
  /** Where the last search ended: documents are read in the order of their ids, and the next one ends there or just behind. */
  #near = 0

  static of(
    runs: ReadonlyArray<{ readonly client: number; readonly clock: number; readonly length: number }>,
  ): IdRanges {
    const ranges = new IdRanges()
    for (const { client, clock, length } of runs) ranges.add(client, clock, length)
    return ranges
  }

  clients(): IterableIterator<number> {
    return this.#byClient.keys()
  }

  add(client: number, start: number, length: number): void {
    if (length <= 0) return
    const end = start + length
    const ranges = this.#byClient.get(client)
    if (ranges === undefined) {
      this.#byClient.set(client, [{ start, end }])
      return
    }
    const last = ranges.at(-1)
    // Typing appends at the end: no search for it.
    if (last === undefined || start > last.end) {
      ranges.push({ start, end })
      return
    }
    const from = this.#firstTouching(ranges, start)
    // What is there already, such as deletes that the update has named and Yjs tells of once more.
    if (isWithin(ranges[from], start, end)) return
    let to = from
    let low = start
    let high = end
    for (let range = ranges[to]; range !== undefined && range.start <= end; range = ranges[++to]) {
      low = Math.min(low, range.start)
      high = Math.max(high, range.end)
    }
    ranges.splice(from, to - from, { start: low, end: high })
  }

  /** The ids of this set that are not in `other`. */
  minus(other: IdRanges): IdRanges {
    const rest = new IdRanges()
    for (const [client, ranges] of this.#byClient) {
      for (const { start, end } of ranges)
        for (const [from, length] of other.missing(client, start, end - start)) rest.add(client, from, length)
    }
    return rest
  }

  /** The ids that are in both. */
  and(other: IdRanges): IdRanges {
    return this.minus(this.minus(other))
  }

  /** Clients ascending, each with its ranges as [start, length] pairs, ascending and not touching. */
  sorted(): Array<readonly [number, ReadonlyArray<readonly [number, number]>]> {
    return [...this.#byClient]
      .sort(([a], [b]) => a - b)
      .map(([client, ranges]) => [client, ranges.map(({ start, end }) => [start, end - start] as const)] as const)
  }

  addAll(other: IdRanges): void {
    for (const [client, ranges] of other.#byClient)
      for (const { start, end } of ranges) this.add(client, start, end - start)
  }

  get isEmpty(): boolean {
    return this.#byClient.size === 0
  }

  /** The parts of [start, start + length) that are not in the set, as [start, length] pairs. */
  missing(client: number, start: number, length: number): Array<readonly [number, number]> {
    const ranges = this.#byClient.get(client) ?? []
    const end = start + length
    const out: Array<readonly [number, number]> = []
    let at = start
    for (let i = this.#firstTouching(ranges, start); i < ranges.length && at < end; i++) {
      const range = ranges[i]
      if (range === undefined || range.start >= end) break
      if (range.start > at) out.push([at, range.start - at])
      at = Math.max(at, range.end)
    }
    if (at < end) out.push([at, end - at])
    return out
  }

  /** The parts of [start, start + length) that are in the set, as [start, length] pairs. */
  within(client: number, start: number, length: number): Array<readonly [number, number]> {
    const end = start + length
    const ranges = this.#byClient.get(client) ?? []
    const out: Array<readonly [number, number]> = []
    for (let i = this.#firstTouching(ranges, start); i < ranges.length; i++) {
      const range = ranges[i]
      if (range === undefined || range.start >= end) break
      const from = Math.max(start, range.start)
      const until = Math.min(end, range.end)
      if (until > from) out.push([from, until - from])
    }
    return out
  }

  has(client: number, start: number, length: number): boolean {
    if (length <= 0) return true
    const ranges = this.#byClient.get(client) ?? []
    // Ranges do not touch, so one alone holds all of it.
    return isWithin(ranges[this.#firstTouching(ranges, start + 1)], start, start + length)
  }

  /** Whether the ids of all deleted structs of a client are in the set. A document has tens of thousands of structs, in the order of their ids. */
  holdsDeleted(client: number, structs: ReadonlyArray<Y.Item | Y.GC>): boolean {
    const ranges = this.#byClient.get(client) ?? []
    let at = 0
    for (const struct of structs) {
      if (!struct.deleted) continue
      const start = struct.id.clock
      let range = ranges[at]
      while (range !== undefined && range.end <= start) range = ranges[++at]
      if (!isWithin(range, start, start + struct.length)) return false
    }
    return true
  }

  /** How far the ids of a client are in the set without a hole, from 0: its entry in a state vector. */
  contiguous(client: number): number {
    const first = this.#byClient.get(client)?.[0]
    return first !== undefined && first.start === 0 ? first.end : 0
  }

  clear(): void {
    this.#byClient.clear()
  }

  /** Index of the first range whose end is not before `clock`. */
  #firstTouching(ranges: readonly Range[], clock: number): number {
    if (isFirstTouching(ranges, this.#near, clock)) return this.#near
    if (isFirstTouching(ranges, this.#near + 1, clock)) return ++this.#near
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const range = ranges[middle]
      if (range !== undefined && range.end < clock) low = middle + 1
      else high = middle
    }
    this.#near = low
    return low
  }
}

function isWithin(range: Range | undefined, start: number, end: number): boolean {
  return range !== undefined && range.start <= start && end <= range.end
}

function isFirstTouching(ranges: readonly Range[], at: number, clock: number): boolean {
  const before = ranges[at - 1]
  const here = ranges[at]
  const isBehind = at === 0 || (before !== undefined && before.end < clock)
  return isBehind && (here === undefined ? at === ranges.length : here.end >= clock)
}
