import type { Member, Session, Shared, World } from './world.ts'

/** Rows of so many numbers; a thousand thousand rows per block. */
const ROWS_PER_BLOCK = 1 << 20
/** Of two slots for a row at most one is used, or looking becomes slow. */
const SLOTS_PER_ROW = 2

/**
 * All states that were found, each exactly: a state is a row of numbers that name its parts, and the parts are kept once. Members are alike, so that states
 * which differ only in who is who are one state; so are lost connections.
 */
export class States {
  readonly #width: number
  readonly #shared = new Parts<Shared>()
  readonly #members = new Parts<Member>()
  readonly #orphans = new Parts<readonly Session[]>()
  readonly #blocks: Int32Array[] = []
  #slots = new Int32Array(1 << 16).fill(-1)
  #count = 0
  readonly #row: Int32Array

  constructor(members: number) {
    this.#width = members + 2
    this.#row = new Int32Array(this.#width)
  }

  get count(): number {
    return this.#count
  }

  /** The number of a state, and whether it is new. */
  add(world: World): { readonly state: number; readonly isNew: boolean } {
    this.#fill(world)
    let slot = this.#hash() & (this.#slots.length - 1)
    for (let state = this.#slots[slot] ?? -1; state >= 0; state = this.#slots[slot] ?? -1) {
      if (this.#isRow(state)) return { state, isNew: false }
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    const state = this.#count++
    this.#write(state)
    this.#slots[slot] = state
    if (this.#count * SLOTS_PER_ROW > this.#slots.length) this.#grow()
    return { state, isNew: true }
  }

  /** The state of this number, its members in some order. */
  get(state: number): World {
    const { block, at } = this.#place(state)
    const members: Member[] = []
    for (let i = 2; i < this.#width; i++) members.push(this.#members.get(block[at + i] ?? -1))
    return { shared: this.#shared.get(block[at] ?? -1), orphans: this.#orphans.get(block[at + 1] ?? -1), members }
  }

  #fill({ shared, members, orphans }: World): void {
    const row = this.#row
    row[0] = this.#shared.nameOf(shared)
    row[1] = this.#orphans.nameOf(orphans.length > 1 ? sorted(orphans) : orphans)
    members.forEach((member, i) => {
      row[2 + i] = this.#members.nameOf(member)
    })
    row.subarray(2).sort()
  }

  #hash(): number {
    return hashOf(this.#row, 0, this.#width)
  }

  #isRow(state: number): boolean {
    const { block, at } = this.#place(state)
    for (let i = 0; i < this.#width; i++) if (block[at + i] !== this.#row[i]) return false
    return true
  }

  #write(state: number): void {
    if (state % ROWS_PER_BLOCK === 0) this.#blocks.push(new Int32Array(ROWS_PER_BLOCK * this.#width))
    const { block, at } = this.#place(state)
    block.set(this.#row, at)
  }

  #place(state: number): { block: Int32Array; at: number } {
    const block = this.#blocks[Math.floor(state / ROWS_PER_BLOCK)]
    if (block === undefined) throw new RangeError(`no state ${state}`)
    return { block, at: (state % ROWS_PER_BLOCK) * this.#width }
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let state = 0; state < this.#count; state++) {
      const { block, at } = this.#place(state)
      this.#row.set(block.subarray(at, at + this.#width))
      let slot = this.#hash() & (slots.length - 1)
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = state
    }
    this.#slots = slots
  }
}

/** Parts by what they hold: equal ones have one name. */
class Parts<Part extends object> {
  readonly #parts: Part[] = []
  /** Parts that came from here, and were not changed since, need no second look. */
  readonly #known = new WeakMap<Part, number>()
  /** What each part holds as units, one after the other, and where each ends. */
  #pool = new Uint16Array(1 << 16)
  readonly #ends: number[] = []
  #slots = new Int32Array(1 << 10).fill(-1)

  nameOf(part: Part): number {
    const known = this.#known.get(part)
    if (known !== undefined) return known
    const length = write(part, 0)
    const mask = this.#slots.length - 1
    let slot = hashOf(units, 0, length) & mask
    for (let name = this.#slots[slot] ?? -1; name >= 0; name = this.#slots[slot] ?? -1) {
      if (this.#holds(name, length)) return name
      slot = (slot + 1) & mask
    }
    const made = this.#parts.push(part) - 1
    this.#slots[slot] = made
    this.#known.set(part, made)
    this.#keep(length)
    if (this.#parts.length * SLOTS_PER_ROW > this.#slots.length) this.#grow()
    return made
  }

  get(name: number): Part {
    const part = this.#parts[name]
    if (part === undefined) throw new RangeError(`no part ${name}`)
    return part
  }

  #start(name: number): number {
    return name === 0 ? 0 : (this.#ends[name - 1] ?? 0)
  }

  #holds(name: number, length: number): boolean {
    const start = this.#start(name)
    if (this.#ends[name] !== start + length) return false
    for (let i = 0; i < length; i++) if (this.#pool[start + i] !== units[i]) return false
    return true
  }

  #keep(length: number): void {
    const start = this.#ends.at(-1) ?? 0
    if (start + length > this.#pool.length) {
      const pool = new Uint16Array(this.#pool.length * 2)
      pool.set(this.#pool)
      this.#pool = pool
    }
    this.#pool.set(units.subarray(0, length), start)
    this.#ends.push(start + length)
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let name = 0; name < this.#parts.length; name++) {
      let slot = hashOf(this.#pool, this.#start(name), this.#ends[name] ?? 0) & (slots.length - 1)
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = name
    }
    this.#slots = slots
  }
}

/** FNV-1a over numbers, with its bits mixed once more. */
function hashOf(numbers: Uint16Array | Int32Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (numbers[i] ?? 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** So that it makes no difference which connection was lost first. */
function sorted(orphans: readonly Session[]): readonly Session[] {
  const texts = new Map(orphans.map((orphan) => [orphan, units.slice(0, write(orphan, 0)).join()]))
  return [...orphans].sort((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1))
}

const words = new Map<string, number>()
/** Longer than any part. */
const units = new Uint16Array(4_096)

/** Writes a value behind `at`; returns where the next one goes. Numbers are small, and -1 at least. */
function write(value: unknown, at: number): number {
  switch (typeof value) {
    case 'number':
      if (value < -1 || value > MAX_NUMBER) throw new RangeError(`${value} is too large for a state`)
      units[at] = value + 1
      return at + 1
    case 'boolean':
      units[at] = value ? 1 : 0
      return at + 1
    case 'string':
      units[at] = codeOf(value)
      return at + 1
    case 'object': {
      let next = at + 1
      if (Array.isArray(value)) {
        units[at] = value.length
        for (const each of value) next = write(each, next)
        return next
      }
      units[at] = 1
      for (const key in value) next = write((value as Record<string, unknown>)[key], next)
      return next
    }
    default:
      units[at] = 0
      return at + 1
  }
}

const MAX_NUMBER = 2 ** 16 - 2

function codeOf(word: string): number {
  const known = words.get(word)
  if (known !== undefined) return known
  words.set(word, words.size)
  return words.size - 1
}
