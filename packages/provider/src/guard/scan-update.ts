import { MAX_CLOCK, MAX_VALUE_DEPTH } from './guard-limits.ts'
import { jsonDepth } from './json-depth.ts'

/** Ids of one client, [clock, clock + length). */
export interface IdRun {
  readonly client: number
  readonly clock: number
  readonly length: number
}

/** What one Yjs V1 update says, without its content. */
export interface ScannedUpdate {
  /** Ids that it has structs for, adjacent ones as one run. */
  readonly structs: readonly IdRun[]
  readonly deletes: readonly IdRun[]
  /** Byte offset at which the struct section ends and the delete set begins. */
  readonly structsEnd: number
  /** Some of its structs are shared types, which others can be put into. */
  readonly hasTypes: boolean
}

/** Why an update is refused whole, decided by its bytes and the log before it. */
export type Refusal = 'malformed' | 'clock' | 'nesting' | 'overlap'

export class UnusableUpdate extends Error {
  override readonly name = 'UnusableUpdate'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(`an update is refused: ${refusal}`)
    this.refusal = refusal
  }
}

/** Where an item says that it belongs: beside another item, into a type, or into a type of the document's own (undefined). */
export interface ItemPlace {
  readonly isBeside: boolean
  readonly client: number
  readonly clock: number
}

/** `place`: undefined for what stands at the top of the document. `right`: what it also says to stand before. */
export type OnItem = (run: IdRun, isType: boolean, place: ItemPlace | undefined, right: ItemPlace | undefined) => void

/** As Yjs writes them: the lower five bits of a struct's first byte name its content. */
const GC = 0
const SKIP = 10
const CONTENT = { deleted: 1, json: 2, binary: 3, string: 4, embed: 5, format: 6, type: 7, any: 8, doc: 9 } as const
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const HAS_PARENT_SUB = 0x20
const KIND_BITS = 0x1f
/** Array, Map, Text, XmlElement, XmlFragment, XmlHook, XmlText; the third and the fifth of them have a name. */
const LAST_TYPE = 6
const NAMED_TYPES: readonly number[] = [3, 5]

/** A place that nobody asked for. */
const SOMEWHERE: ItemPlace = { isBeside: true, client: 0, clock: 0 }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a Yjs V1 update without building anything of it and without recursion, so that the verdict is everybody's: it does not depend on the engine, the
 * stack, the time or the document. Throws UnusableUpdate for what is not exactly one V1 update (trailing bytes, V2), for clocks that nobody can have
 * reached, and for values nested deeper than any reader is asked to follow.
 */
export function scanUpdate(update: Uint8Array, onItem?: OnItem): ScannedUpdate {
  return new Scan(update, onItem).run()
}

class Scan {
  readonly #bytes: Uint8Array
  readonly #onItem: OnItem | undefined
  #at = 0
  #hasTypes = false

  constructor(bytes: Uint8Array, onItem: OnItem | undefined) {
    this.#bytes = bytes
    this.#onItem = onItem
  }

  run(): ScannedUpdate {
    const structs = this.#structs()
    const structsEnd = this.#at
    const deletes = this.#deletes()
    if (this.#at !== this.#bytes.length) throw new UnusableUpdate('malformed')
    return { structs, deletes, structsEnd, hasTypes: this.#hasTypes }
  }

  #structs(): IdRun[] {
    const runs: IdRun[] = []
    const clients = new Set<number>()
    for (let sections = this.#count(3); sections > 0; sections--) {
      const count = this.#count(2)
      const client = this.#uint()
      // Yjs would forget the first of two sections of one client.
      if (clients.has(client)) throw new UnusableUpdate('malformed')
      clients.add(client)
      let clock = this.#uint()
      let start = clock
      for (let i = 0; i < count; i++) {
        const info = this.#byte()
        if (info === SKIP) {
          if (clock > start) runs.push({ client, clock: start, length: clock - start })
          clock = end(clock, this.#uint())
          start = clock
          continue
        }
        const length = info === GC ? this.#uint() : this.#item(client, clock, info)
        if (length === 0) throw new UnusableUpdate('malformed')
        clock = end(clock, length)
      }
      if (clock > start) runs.push({ client, clock: start, length: clock - start })
    }
    return runs
  }

  #deletes(): IdRun[] {
    const runs: IdRun[] = []
    for (let clients = this.#count(2); clients > 0; clients--) {
      const client = this.#uint()
      for (let count = this.#count(2); count > 0; count--) {
        const clock = this.#uint()
        const length = this.#uint()
        end(clock, length)
        if (length > 0) runs.push({ client, clock, length })
      }
    }
    return runs
  }

  /** Its length in ids. */
  #item(client: number, clock: number, info: number): number {
    const origin = info & HAS_ORIGIN ? this.#place(client, clock, true) : undefined
    const rightOrigin = info & HAS_RIGHT_ORIGIN ? this.#place(client, clock, true) : undefined
    let place = origin ?? rightOrigin
    if (place === undefined) {
      if (this.#uint() === 1) this.#string()
      else place = this.#place(client, clock, false)
      if (info & HAS_PARENT_SUB) this.#string()
    }
    const kind = info & KIND_BITS
    const length = this.#content(kind)
    this.#onItem?.({ client, clock, length }, kind === CONTENT.type, place, rightOrigin)
    return length
  }

  #place(client: number, clock: number, isBeside: boolean): ItemPlace {
    const ofClient = this.#uint()
    const atClock = this.#uint()
    // Nobody places anything by what they write later: Yjs takes it for granted that it is there, and breaks off in the middle.
    if (ofClient === client && atClock >= clock) throw new UnusableUpdate('malformed')
    // Most scans ask for no places, of which a document has tens of thousands.
    return this.#onItem === undefined ? SOMEWHERE : { isBeside, client: ofClient, clock: atClock }
  }

  #content(kind: number): number {
    switch (kind) {
      case CONTENT.deleted:
        return this.#uint()
      case CONTENT.json: {
        const count = this.#count(1)
        for (let i = 0; i < count; i++) this.#json(true)
        return count
      }
      case CONTENT.binary:
        this.#take(this.#uint())
        return 1
      case CONTENT.string:
        return this.#string()
      case CONTENT.embed:
        this.#json(false)
        return 1
      case CONTENT.format:
        this.#string()
        this.#json(false)
        return 1
      case CONTENT.type: {
        const type = this.#uint()
        if (type > LAST_TYPE) throw new UnusableUpdate('malformed')
        if (NAMED_TYPES.includes(type)) this.#string()
        this.#hasTypes = true
        return 1
      }
      case CONTENT.any: {
        const count = this.#count(1)
        this.#values(count)
        return count
      }
      case CONTENT.doc:
        this.#string()
        this.#values(1)
        return 1
      default:
        throw new UnusableUpdate('malformed')
    }
  }

  /** lib0's `any`, so many of them: what is still to be read at each depth is kept in a list instead of on the stack. */
  #values(count: number): void {
    const left: { values: number; readonly isObject: boolean }[] = [{ values: count, isObject: false }]
    for (let level = left.at(-1); level !== undefined; level = left.at(-1)) {
      if (level.values === 0) {
        left.pop()
        continue
      }
      level.values--
      if (level.isObject) this.#string()
      const isNesting = this.#value()
      if (isNesting === undefined) continue
      if (left.length > MAX_VALUE_DEPTH) throw new UnusableUpdate('nesting')
      left.push({ values: this.#count(isNesting === 'object' ? 2 : 1), isObject: isNesting === 'object' })
    }
  }

  #value(): 'object' | 'array' | undefined {
    switch (this.#byte()) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return undefined
      case 125: // an integer, in as many bytes as have their top bit set, and one more
        this.#integer()
        return undefined
      case 124:
        this.#take(4)
        return undefined
      case 123:
      case 122:
        this.#take(8)
        return undefined
      case 119:
        this.#string()
        return undefined
      case 118:
        return 'object'
      case 117:
        return 'array'
      case 116:
        this.#take(this.#uint())
        return undefined
      default:
        throw new UnusableUpdate('malformed')
    }
  }

  #json(mayBeUndefined: boolean): void {
    const bytes = this.#take(this.#uint())
    if (jsonDepth(bytes) > MAX_VALUE_DEPTH) throw new UnusableUpdate('nesting')
    try {
      const text = utf8.decode(bytes)
      if (!mayBeUndefined || text !== 'undefined') JSON.parse(text)
    } catch {
      throw new UnusableUpdate('malformed')
    }
  }

  /** Its length in UTF-16 units, as Yjs counts. */
  #string(): number {
    const length = this.#uint()
    const bytes = this.#bytes
    const from = this.#at
    if (length > bytes.length - from) throw new UnusableUpdate('malformed')
    this.#at = from + length
    let i = from
    while (i < this.#at && (bytes[i] as number) < 0x80) i++
    // A view of each would cost more than all the rest.
    if (i === this.#at) return length
    try {
      return utf8.decode(bytes.subarray(from, this.#at)).length
    } catch {
      throw new UnusableUpdate('malformed')
    }
  }

  /** A number of things that take `leastBytes` each: more than there are bytes for is a lie, told to make us allocate. */
  #count(leastBytes: number): number {
    const count = this.#uint()
    if (count * leastBytes > this.#bytes.length - this.#at) throw new UnusableUpdate('malformed')
    return count
  }

  #uint(): number {
    // Nearly all of them are small.
    const first = this.#bytes[this.#at]
    if (first !== undefined && first < 0x80) {
      this.#at++
      return first
    }
    let value = 0
    let factor = 1
    while (factor <= 2 ** 49) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      factor *= 128
    }
    throw new UnusableUpdate('clock')
  }

  #integer(): void {
    // Sign and six bits, then seven a byte: 53 bits in eight bytes.
    for (let i = 0; i < 8; i++) if (this.#byte() < 0x80) return
    throw new UnusableUpdate('malformed')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new UnusableUpdate('malformed')
    return byte
  }

  #take(length: number): Uint8Array {
    const from = this.#at
    if (length > this.#bytes.length - from) throw new UnusableUpdate('malformed')
    this.#at = from + length
    return this.#bytes.subarray(from, this.#at)
  }
}

function end(clock: number, length: number): number {
  if (clock + length > MAX_CLOCK) throw new UnusableUpdate('clock')
  return clock + length
}
