/** Joins byte strings into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The same; bytes that stand in one piece are not copied. */
export function asOne(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  return first !== undefined && pieces.length === 1 ? first : concat(...pieces)
}

/** `lp(b)` of protocol §1: a 16-bit big-endian length, then the bytes. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0xffff) throw new RangeError('a length-prefixed value has at most 65,535 bytes')
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes)
}

/** A big-endian unsigned integer of 8 bytes. */
export function u64be(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}

/** Compares in a time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)
