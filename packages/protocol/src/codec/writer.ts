import * as encoding from 'lib0/encoding'
import { ProtocolError } from '../errors.ts'
import { MAX_FRAME_ITEMS } from '../limits.ts'

const utf8 = new TextEncoder()
// TextEncoder would put U+FFFD in the place of half a character, and two different names would become one.
const loneSurrogate = /\p{Surrogate}/u

/** The inverse of Reader, under the same bounds: what one side writes, the other side reads. */
export class Writer {
  /** What is being written, for error messages. */
  part = 'frame'
  readonly #encoder = encoding.createEncoder()
  readonly #items: { left: number }

  constructor(items: { left: number } = { left: MAX_FRAME_ITEMS }) {
    this.#items = items
  }

  get bytesWritten(): number {
    return encoding.length(this.#encoder)
  }

  byte(value: number): void {
    encoding.writeUint8(this.#encoder, value)
  }

  varint(value: number, max: number = Number.MAX_SAFE_INTEGER): void {
    if (!Number.isSafeInteger(value) || value < 0) throw this.malformed('expected a whole number from 0')
    if (value > max) throw this.limit(`expected at most ${max}, got ${value}`)
    encoding.writeVarUint(this.#encoder, value)
  }

  bytes(value: Uint8Array, length: number): void {
    if (value.length !== length) throw this.malformed(`expected ${length} bytes, got ${value.length}`)
    encoding.writeUint8Array(this.#encoder, value)
  }

  varBytes(value: Uint8Array, min: number, max: number): void {
    if (value.length < min) throw this.malformed(`expected at least ${min} bytes, got ${value.length}`)
    this.varint(value.length, max)
    encoding.writeUint8Array(this.#encoder, value)
  }

  varString(value: string, min: number, max: number): void {
    if (loneSurrogate.test(value)) throw this.malformed('expected well-formed Unicode')
    this.varBytes(utf8.encode(value), min, max)
  }

  count(value: number, min: number, max: number): void {
    if (value < min) throw this.malformed(`expected at least ${min}, got ${value}`)
    this.varint(value, max)
    for (let element = 0; element < value; element++) this.item()
  }

  item(): void {
    if (this.#items.left === 0) throw this.limit(`expected at most ${MAX_FRAME_ITEMS} items in a frame`)
    this.#items.left--
  }

  /** A writer for a part whose length stands before it. */
  nested(): Writer {
    return new Writer(this.#items)
  }

  finish(): Uint8Array {
    return encoding.toUint8Array(this.#encoder)
  }

  malformed(what: string): ProtocolError {
    return new ProtocolError('malformed', `${this.part}: ${what}`)
  }

  limit(what: string): ProtocolError {
    return new ProtocolError('limit', `${this.part}: ${what}`)
  }
}
