import * as Y from 'yjs'
import type { Footing } from './footing.ts'
import { type Edit, encodeEdit } from './rows.ts'

/** `Y.mergeUpdates` is slow for many; and so the number of rows grows with the logarithm of what is typed offline. */
const MERGED_ROWS = 32

interface Row extends Edit {
  /** Its place in the outbox, or that of the last that was merged into it. */
  readonly place: number
  /** In the store; undefined: not yet. */
  readonly key: number | undefined
  /** How often it was merged. */
  readonly level: number
  /** How much of the log has to be on the disk before it is shown from there. */
  readonly footing: number
}

/** What one transaction does to the store's rows. */
export interface OutboxChange {
  readonly add: readonly Row[]
  /** Keys of rows that go. */
  readonly drop: readonly number[]
  /** Rows of this page that `add` stands for. */
  readonly replaced: ReadonlySet<Row>
  /** Rows that are in the log, and of no use once that is kept. */
  readonly settled: ReadonlySet<Row>
}

/** What this user wrote and nobody has acked, as rows of the store. */
export class OutboxRows {
  #rows: Row[] = []
  /** In the store, and of no use any more. */
  #dropped: number[] = []
  #settled = -1
  /** Rises when everything is said anew. */
  #life = 0

  add(edit: Edit, place: number, footing: number): void {
    this.#rows.push({ ...edit, place, key: undefined, level: 0, footing })
  }

  /** It was in the store before this page was. */
  restore(edit: Edit, place: number, key: number): void {
    this.#rows.push({ ...edit, place, key, level: 0, footing: 0 })
  }

  /** Everything has other ids now. */
  clear(): void {
    this.#life++
    this.#dropped.push(...keysOf(this.#rows))
    this.#rows = []
  }

  settle(through: number): void {
    this.#settled = Math.max(this.#settled, through)
  }

  /** Nothing is written to a store, or no more: what is settled is not kept in memory. */
  forgetSettled(): void {
    this.#rows = this.#rows.filter(({ place }) => place > this.#settled)
  }

  /** Everything through this place is in the log. */
  get settled(): number {
    return this.#settled
  }

  get updates(): Uint8Array[] {
    return this.#rows.map(({ update }) => update)
  }

  get isWritten(): boolean {
    return this.#rows.every(({ key }) => key !== undefined)
  }

  /** Some of it is in the log, and waits until that is kept. */
  get hasSettled(): boolean {
    return this.#rows.some(({ place }) => place <= this.#settled)
  }

  /** Written, and what it rests on as well. */
  isShown(footing: Footing): boolean {
    return this.isWritten && this.#rows.every((row) => footing.has(row.footing))
  }

  /** What was read of the log has to be kept, or some of this is not shown from the disk, or cannot go from there. */
  waitsFor(footing: Footing): boolean {
    const waits = ({ place, footing: needed }: Row): boolean =>
      !footing.has(needed) || (place <= this.#settled && place > footing.settled)
    return this.#rows.some(waits)
  }

  get isDirty(): boolean {
    return !this.isWritten || this.#dropped.length > 0
  }

  /** `through`: as far as that, what is settled is in the log that is kept, or is by this. */
  plan(through: number): OutboxChange {
    const settled = new Set(this.#rows.filter(({ place }) => place <= Math.min(through, this.#settled)))
    const replaced = new Set<Row>()
    const isLeft = (row: Row): boolean => !settled.has(row) && !replaced.has(row)
    const add: Row[] = []
    const join = (rows: readonly Row[], level: number): void => {
      for (let at = 0; at < rows.length; at += MERGED_ROWS) add.push(joined(rows.slice(at, at + MERGED_ROWS), level))
      for (const row of rows) replaced.add(row)
    }
    join(
      this.#rows.filter((row) => row.key === undefined && isLeft(row)),
      0,
    )
    const top = Math.max(0, ...this.#rows.map(({ level }) => level))
    for (let level = 0; level <= top; level++) {
      const stored = this.#rows.filter((row) => row.key !== undefined && row.level === level && isLeft(row))
      if (stored.length >= MERGED_ROWS) join(stored, level + 1)
    }
    return { add, drop: [...this.#dropped, ...keysOf([...replaced])], replaced, settled }
  }

  /** It is durable. Call with the same `life` that was read with `plan`. `isKept`: what was settled went, too. */
  done({ add, drop, replaced, settled }: OutboxChange, keys: readonly number[], life: number, isKept: boolean): void {
    const dropped = new Set([...drop, ...(isKept ? keysOf([...settled]) : [])])
    this.#dropped = this.#dropped.filter((key) => !dropped.has(key))
    if (life !== this.#life) {
      this.#dropped.push(...keys)
      return
    }
    const rows = add.map((row, at) => ({ ...row, key: keys[at] }))
    const isGone = (row: Row): boolean => replaced.has(row) || (isKept && settled.has(row))
    this.#rows = [...rows, ...this.#rows.filter((row) => !isGone(row))]
  }

  get life(): number {
    return this.#life
  }
}

export const bodyOf = (row: Edit): Uint8Array => encodeEdit(row)

export const keysOf = (rows: readonly Row[]): number[] => rows.flatMap(({ key }) => key ?? [])

function joined(rows: readonly Row[], level: number): Row {
  const updates = rows.map(({ update }) => update)
  const [only] = updates
  return {
    update: updates.length === 1 && only !== undefined ? only : Y.mergeUpdates(updates),
    sinceMs: Math.min(...rows.map(({ sinceMs }) => sinceMs)),
    place: Math.max(...rows.map(({ place }) => place)),
    key: undefined,
    level,
    footing: Math.max(...rows.map(({ footing }) => footing)),
  }
}
