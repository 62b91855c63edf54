import { ProtocolError } from '../errors.ts'
import { readVarint } from '../header.ts'
import { MAX_FRAME_ITEMS } from '../limits.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const noBytes = new Uint8Array(0)

/**
 * A strict cursor over untrusted bytes. Every bound is checked before anything is copied, and what it returns owns its
 * bytes: one entry that is kept must not keep a whole frame in memory.
 * Throws ProtocolError: `malformed` (bytes that mean nothing) or `limit` (bytes that mean too much).
 */
export class Reader {
  /** What is being read, for error messages: `join.room`. */
  part = 'frame'
  readonly #bytes: Uint8Array
  #at = 0
  /** Where the bytes end, or the message that is being read. */
  #end: number
  /** List elements and messages that the frame may still hold. */
  #itemsLeft = MAX_FRAME_ITEMS

  constructor(bytes: Uint8Array) {
    // Node's Buffer has a `slice` that does not copy; a plain view has the one that does.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = bytes.byteLength
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined || this.#at >= this.#end) throw this.malformed('expected another byte, got the end')
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
    const start = this.#skip(length)
    return length === 0 ? noBytes : this.#bytes.slice(start, start + length)
  }

  /** varint length, then as many bytes, as a copy. */
  varBytes(min: number, max: number): Uint8Array {
    return this.bytes(this.#length(min, max))
  }

  /** Goes past a varint length and as many bytes; returns how many these were. No copy. */
  passVarBytes(min: number, max: number): number {
    const length = this.#length(min, max)
    this.#skip(length)
    return length
  }

  /** Where the next byte is, for `since`. */
  get place(): number {
    return this.#at
  }

  /** What was read since this place, as a copy. */
  since(place: number): Uint8Array {
    return place === this.#at ? noBytes : this.#bytes.slice(place, this.#at)
  }

  /** varint byte length, then well-formed UTF-8. A byte order mark is a character like any other. */
  varString(min: number, max: number): string {
    const length = this.#length(min, max)
    const start = this.#skip(length)
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length))
    } catch {
      throw this.malformed('expected well-formed UTF-8')
    }
  }

  /** varint length, then as many bytes, which `read` must consume. */
  withLength<T>(max: number, read: () => T): T {
    const length = this.#length(0, max)
    const outer = this.#end
    this.#end = this.#skip(length) + length
    this.#at -= length
    const value = read()
    if (this.remaining > 0) throw this.malformed(`expected the end, got ${this.remaining} more bytes`)
    this.#end = outer
    return value
  }

  /** varint count of elements that follow. */
  count(min: number, max: number): number {
    const count = this.varint(max)
    if (count < min) throw this.malformed(`expected at least ${min}, got ${count}`)
    this.items(count)
    return count
  }

  /** Takes some of the frame's items, so that a small frame cannot become a large heap. */
  items(count: number): void {
    if (count > this.#itemsLeft) throw this.limit(`expected at most ${MAX_FRAME_ITEMS} items in a frame`)
    this.#itemsLeft -= count
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
    const first = this.#bytes[this.#at]
    if (first !== undefined && first < 0x80 && this.#at < this.#end) {
      // Nearly all of them are one byte long.
      this.#at++
      return first
    }
    try {
      const { value, end } = readVarint(this.#bytes, this.#at, Number.MAX_SAFE_INTEGER, this.#end)
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

  /** Moves past as many bytes, and returns where they begin. */
  #skip(length: number): number {
    if (length > this.remaining) throw this.malformed(`expected ${length} bytes, got ${this.remaining}`)
    const start = this.#at
    this.#at += length
    return start
  }
}
