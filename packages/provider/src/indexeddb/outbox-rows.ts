import * as Y from 'yjs'
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
}

/** What one transaction does to the store's rows. */
export interface OutboxChange {
  readonly add: readonly Row[]
  /** Keys of rows that go. */
  readonly drop: readonly number[]
  /** Rows of this page that `add` stands for, or that nobody needs any more. */
  readonly replaced: ReadonlySet<Row>
}

/** What this user wrote and nobody has acked, as rows of the store. */
export class OutboxRows {
  #rows: Row[] = []
  /** In the store, and of no use any more. */
  #dropped: number[] = []
  #settled = -1
  /** Rises when everything is said anew. */
  #life = 0

  add(edit: Edit, place: number, key?: number): void {
    this.#rows.push({ ...edit, place, key, level: 0 })
  }

  /** Everything has other ids now. */
  reissue(edit: Edit | undefined, place: number): void {
    this.#life++
    this.#dropped.push(...keysOf(this.#rows))
    this.#rows = []
    if (edit !== undefined) this.add(edit, place)
  }

  settle(through: number): void {
    this.#settled = Math.max(this.#settled, through)
  }

  /** Nothing is written to a store, or no more: what is settled is not kept in memory. */
  forgetSettled(): void {
    this.#rows = this.#rows.filter(({ place }) => place > this.#settled)
  }

  get isStored(): boolean {
    return this.#rows.every(({ key }) => key !== undefined)
  }

  get hasSettled(): boolean {
    return this.#rows.some(({ place }) => place <= this.#settled)
  }

  get isDirty(): boolean {
    return !this.isStored || this.#dropped.length > 0
  }

  /** `mayDrop`: what is settled is in the cache by this, or is kept by another tab. */
  plan(mayDrop: boolean): OutboxChange {
    const replaced = new Set(mayDrop ? this.#rows.filter(({ place }) => place <= this.#settled) : [])
    const add: Row[] = []
    const join = (rows: readonly Row[], level: number): void => {
      for (let at = 0; at < rows.length; at += MERGED_ROWS) add.push(joined(rows.slice(at, at + MERGED_ROWS), level))
      for (const row of rows) replaced.add(row)
    }
    join(
      this.#rows.filter((row) => row.key === undefined && !replaced.has(row)),
      0,
    )
    const top = Math.max(0, ...this.#rows.map(({ level }) => level))
    for (let level = 0; level <= top; level++) {
      const stored = this.#rows.filter((row) => row.key !== undefined && row.level === level && !replaced.has(row))
      if (stored.length >= MERGED_ROWS) join(stored, level + 1)
    }
    return { add, drop: [...this.#dropped, ...keysOf([...replaced])], replaced }
  }

  /** It is durable. Call with the same `life` that was read with `plan`. */
  done({ add, drop, replaced }: OutboxChange, keys: readonly number[], life: number): void {
    const dropped = new Set(drop)
    this.#dropped = this.#dropped.filter((key) => !dropped.has(key))
    if (life !== this.#life) {
      this.#dropped.push(...keys)
      return
    }
    const rows = add.map((row, at) => ({ ...row, key: keys[at] }))
    this.#rows = [...rows, ...this.#rows.filter((row) => !replaced.has(row))]
  }

  get life(): number {
    return this.#life
  }
}

export const bodyOf = (row: Edit): Uint8Array => encodeEdit(row)

const keysOf = (rows: readonly Row[]): number[] => rows.flatMap(({ key }) => key ?? [])

function joined(rows: readonly Row[], level: number): Row {
  const updates = rows.map(({ update }) => update)
  const [only] = updates
  return {
    update: updates.length === 1 && only !== undefined ? only : Y.mergeUpdates(updates),
    sinceMs: Math.min(...rows.map(({ sinceMs }) => sinceMs)),
    place: Math.max(...rows.map(({ place }) => place)),
    key: undefined,
    level,
  }
}
