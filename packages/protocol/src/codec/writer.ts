import { ProtocolError } from '../errors.ts'
import { MAX_FRAME_BYTES, MAX_FRAME_ITEMS } from '../limits.ts'

const utf8 = new TextEncoder()
// TextEncoder would put U+FFFD in the place of half a character, and two different names would become one.
const loneSurrogate = /\p{Surrogate}/u

// Acks and keystrokes are written here and copied out. Larger frames get bytes of their own, which become the frame.
const SCRATCH_BYTES = 4 * 1024
const scratch = new Uint8Array(SCRATCH_BYTES)

/** The inverse of Reader, under the same bounds: what one side writes, the other side reads. One at a time. */
export class Writer {
  /** What is being written, for error messages. */
  part = 'frame'
  #bytes: Uint8Array
  #at = 0
  #itemsLeft = MAX_FRAME_ITEMS

  /** `expectedBytes`: about how many will be written, where somebody knows. */
  constructor(expectedBytes = 0) {
    this.#bytes = expectedBytes > SCRATCH_BYTES ? new Uint8Array(expectedBytes) : scratch
  }

  get bytesWritten(): number {
    return this.#at
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  varint(value: number, max: number = Number.MAX_SAFE_INTEGER): void {
    if (!Number.isSafeInteger(value) || value < 0) throw this.malformed('expected a whole number from 0')
    if (value > max) throw this.limit(`expected at most ${max}, got ${value}`)
    let rest = value
    // Division, not shifts: a JavaScript shift is 32 bits wide.
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80)
    this.byte(rest)
  }

  bytes(value: Uint8Array, length: number): void {
    if (value.length !== length) throw this.malformed(`expected ${length} bytes, got ${value.length}`)
    this.#append(value)
  }

  varBytes(value: Uint8Array, min: number, max: number): void {
    if (value.length < min) throw this.malformed(`expected at least ${min} bytes, got ${value.length}`)
    this.varint(value.length, max)
    this.#append(value)
  }

  varString(value: string, min: number, max: number): void {
    if (loneSurrogate.test(value)) throw this.malformed('expected well-formed Unicode')
    this.varBytes(utf8.encode(value), min, max)
  }

  count(value: number, min: number, max: number): void {
    if (value < min) throw this.malformed(`expected at least ${min}, got ${value}`)
    this.varint(value, max)
    this.items(value)
  }

  items(count: number): void {
    if (count > this.#itemsLeft) throw this.limit(`expected at most ${MAX_FRAME_ITEMS} items in a frame`)
    this.#itemsLeft -= count
  }

  /** Writes a part and, before it, its length. */
  withLength(write: () => void): void {
    const start = this.#at
    // Nearly every message is short enough for one byte of length; a longer one makes room when its length is known.
    this.byte(0)
    write()
    this.part = 'frame'
    const end = this.#at
    const length = end - start - 1
    if (length > MAX_FRAME_BYTES) throw this.limit(`expected at most ${MAX_FRAME_BYTES}, got ${length}`)
    const moved = varintBytes(length) - 1
    this.#reserve(moved)
    this.#bytes.copyWithin(start + 1 + moved, start + 1, end)
    this.#at = start
    this.varint(length)
    this.#at = end + moved
  }

  /** What was written; nothing can be written any more. */
  finish(): Uint8Array {
    return this.#bytes === scratch ? scratch.slice(0, this.#at) : this.#bytes.subarray(0, this.#at)
  }

  malformed(what: string): ProtocolError {
    return new ProtocolError('malformed', `${this.part}: ${what}`)
  }

  limit(what: string): ProtocolError {
    return new ProtocolError('limit', `${this.part}: ${what}`)
  }

  #append(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  #reserve(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** How long a varint is: seven bits of it fit a byte. */
function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
