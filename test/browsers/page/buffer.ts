// What the tests use of Node's Buffer, where there is none.
const HEX = /../g
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

class Bytes extends Uint8Array {
  override toString(): string {
    return hexOf(this)
  }
}

Object.assign(globalThis, {
  Buffer: {
    from: (value: string | Uint8Array) =>
      Bytes.from(
        typeof value === 'string' ? (value.match(HEX) ?? []).map((digits) => Number.parseInt(digits, 16)) : value,
      ),
    compare: (a: Uint8Array, b: Uint8Array) => (hexOf(a) === hexOf(b) ? 0 : 1),
  },
})
