/** Reads lib0's unsigned integers out of a buffer, without an object for each. */
export class VarintReader {
  bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** Goes on somewhere else. */
  moveTo(bytes: Uint8Array, at: number): void {
    this.bytes = bytes
    this.at = at
  }

  next(): number {
    let value = 0
    for (let weight = 1; ; weight *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new RangeError('bytes end inside a number')
      value += (byte & 0x7f) * weight
      if (byte < 0x80) return value
    }
  }
}
