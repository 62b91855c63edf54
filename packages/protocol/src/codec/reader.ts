import { ProtocolError } from '../errors.ts'
import { readVarint } from '../header.ts'
import { MAX_FRAME_ITEMS } from '../limits.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const noBytes = new Uint8Array(0)

/** How many list elements and messages one frame may still hold; shared by all readers of that frame. */
interface ItemBudget {
  left: number
}

/**
 * A strict cursor over untrusted bytes. Every bound is checked before anything is copied, and what it returns owns its
 * bytes: one entry that is kept must not keep a whole frame in memory.
 * Throws ProtocolError: `malformed` (bytes that mean nothing) or `limit` (bytes that mean too much).
 */
export class Reader {
  /** What is being read, for error messages: `join.room`. */
  part = 'frame'
  readonly #bytes: Uint8Array
  readonly #items: ItemBudget
  #at = 0

  constructor(bytes: Uint8Array, items: ItemBudget = { left: MAX_FRAME_ITEMS }) {
    // Node's Buffer has a `slice` that does not copy; a plain view has the one that does.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#items = items
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw this.malformed('expected another byte, got the end')
    this.#at++
    return byte
  }

  /** lib0's varUint, minimal, at most 2^53 - 1: another one is `malformed`. Over `max` is `limit`. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#varint()
    if (value > max) throw this.limit(`expected at most ${max}, got ${value}`)
    return value
  }

  /** Exactly `length` bytes, as a copy. */
  bytes(length: number): Uint8Array {
    const view = this.#view(length)
    return length === 0 ? noBytes : view.slice()
  }

  /** varint length, then as many bytes, as a copy. */
  varBytes(min: number, max: number): Uint8Array {
    return this.bytes(this.#length(min, max))
  }

  /** varint byte length, then well-formed UTF-8. A byte order mark is a character like any other. */
  varString(min: number, max: number): string {
    const view = this.#view(this.#length(min, max))
    try {
      return utf8.decode(view)
    } catch {
      throw this.malformed('expected well-formed UTF-8')
    }
  }

  /** varint length, then as many bytes, which the returned reader must consume. No copy. */
  nested(max: number): Reader {
    return new Reader(this.#view(this.#length(0, max)), this.#items)
  }

  /** varint count of elements that follow. */
  count(min: number, max: number): number {
    const count = this.varint(max)
    if (count < min) throw this.malformed(`expected at least ${min}, got ${count}`)
    for (let element = 0; element < count; element++) this.item()
    return count
  }

  /** Takes one of the frame's items, so that a small frame cannot become a large heap. */
  item(): void {
    if (this.#items.left === 0) throw this.limit(`expected at most ${MAX_FRAME_ITEMS} items in a frame`)
    this.#items.left--
  }

  end(): void {
    if (this.remaining > 0) throw this.malformed(`expected the end, got ${this.remaining} more bytes`)
  }

  malformed(what: string): ProtocolError {
    return new ProtocolError('malformed', `${this.part}: ${what}`)
  }

  limit(what: string): ProtocolError {
    return new ProtocolError('limit', `${this.part}: ${what}`)
  }

  unsupported(what: string): ProtocolError {
    return new ProtocolError('unsupported', `${this.part}: ${what}`)
  }

  #varint(): number {
    try {
      const { value, end } = readVarint(this.#bytes, this.#at)
      this.#at = end
      return value
    } catch (error) {
      // The same complaint, with the name of the part.
      throw error instanceof ProtocolError ? this.malformed(error.message) : error
    }
  }

  #length(min: number, max: number): number {
    const length = this.varint(max)
    if (length < min) throw this.malformed(`expected at least ${min} bytes, got ${length}`)
    return length
  }

  #view(length: number): Uint8Array {
    if (length > this.remaining) throw this.malformed(`expected ${length} bytes, got ${this.remaining}`)
    const view = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return view
  }
}
