import { encodeVarint } from '@y-sealed/protocol/header'
import { isZero, u64be } from './bytes.ts'
import { misuse } from './envelope-error.ts'
import { HASH_BYTES } from './plaintext.ts'

/** u48be reaches the year 10889. */
export const UNIX_MS_BYTES = 6
const MAX_UNIX_MS = 2 ** 48 - 1

/** `varint sequence`, 0 to 2^53 - 1. */
export function encodeSequence(sequence: number): Uint8Array {
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw misuse('sequence out of range')
  return encodeVarint(sequence)
}

/** 32 bytes as they are; `name` tells the caller which of several is wrong. */
export function encodeHash(name: string, hash: Uint8Array): Uint8Array {
  if (hash.length !== HASH_BYTES) throw misuse(`${name}: ${HASH_BYTES} bytes`)
  return hash
}

/** 32 bytes, zeros for none. */
export function encodeOptionalHash(name: string, hash: Uint8Array | undefined): Uint8Array {
  if (hash === undefined) return new Uint8Array(HASH_BYTES)
  if (isZero(hash)) throw misuse(`${name}: zeros would be read as none`)
  return encodeHash(name, hash)
}

/** `u48be unix ms`. */
export function encodeUnixMs(unixMs: number): Uint8Array {
  if (!Number.isInteger(unixMs) || unixMs < 0 || unixMs > MAX_UNIX_MS) throw misuse('unix ms out of range')
  return u64be(BigInt(unixMs)).subarray(8 - UNIX_MS_BYTES)
}
