import { readVarint } from '@y-sealed/protocol/header'
import { isZero } from './bytes.ts'
import { malformed, parsing } from './envelope-error.ts'
import { UNIX_MS_BYTES } from './fields.ts'
import { HASH_BYTES } from './plaintext.ts'

/** Reads the fields of `bytes` in order. Each throws EnvelopeError `malformed`, and names `what` was to be read, never a byte of it. */
export function reader(bytes: Uint8Array, what: string, start = 0) {
  let at = start
  function fixed(length: number): Uint8Array {
    if (at + length > bytes.length) throw malformed(`${what} too short`)
    at += length
    // A copy, of a Buffer too: who keeps a hash does not keep a checkpoint of many megabytes with it.
    return new Uint8Array(bytes.subarray(at - length, at))
  }
  return {
    fixed,
    varint: (): number => {
      const { value, end } = parsing(() => readVarint(bytes, at))
      at = end
      return value
    },
    lengthPrefixed: (maxBytes: number): Uint8Array => {
      const [high = 0, low = 0] = fixed(2)
      const length = high * 256 + low
      if (length > maxBytes) throw malformed(`${what}: a field is too long`)
      return fixed(length)
    },
    hash: (): Uint8Array => fixed(HASH_BYTES),
    optionalHash: (): Uint8Array | undefined => {
      const hash = fixed(HASH_BYTES)
      return isZero(hash) ? undefined : hash
    },
    unixMs: (): number => {
      const time = fixed(UNIX_MS_BYTES)
      const view = new DataView(time.buffer)
      return view.getUint16(0) * 2 ** 32 + view.getUint32(2)
    },
    /** What is left, not copied. */
    rest: (): Uint8Array => bytes.subarray(at),
    end: (): void => {
      if (at !== bytes.length) throw malformed(`bytes after the ${what}`)
    },
  }
}
