import { createCipheriv } from 'node:crypto'

/** One side of a salamander: an AES-256-GCM key with the nonce and the AAD that its reader would use. */
export interface Side {
  key: Uint8Array
  nonce: Uint8Array
  aad: Uint8Array
}

const BLOCK_BYTES = 16
// x^128 + x^7 + x^2 + x + 1, in GCM's order of bits (SP 800-38D §6.3).
const REDUCTION = 0xe1n << 120n

const toBlock = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex').padEnd(32, '0')}`)
const fromBlock = (block: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(block.toString(16).padStart(2 * BLOCK_BYTES, '0'), 'hex'))

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n
  let shifted = b
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n
  }
  return product
}

const ONE = 1n << 127n

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [ONE, base]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}

// Fermat: a^(2^128 - 2) is the inverse of a.
const inverse = (a: bigint): bigint => power(a, (1n << 128n) - 2n)

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  return toBlock(new Uint8Array(createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(block)))
}

/** The first bytes of the key stream that encrypts. */
export function keyStream(side: Side, bytes: number): Uint8Array {
  return new Uint8Array(createCipheriv('aes-256-gcm', side.key, side.nonce).update(new Uint8Array(bytes)))
}

function tagOf(side: Side, ciphertext: Uint8Array): { tag: bigint; hashKey: bigint } {
  const hashKey = encryptBlock(side.key, new Uint8Array(BLOCK_BYTES))
  let hash = 0n
  for (const text of [side.aad, ciphertext]) {
    for (let at = 0; at < text.length; at += BLOCK_BYTES) {
      hash = multiply(hash ^ toBlock(text.subarray(at, at + BLOCK_BYTES)), hashKey)
    }
  }
  const lengths = (BigInt(side.aad.length * 8) << 64n) | BigInt(ciphertext.length * 8)
  hash = multiply(hash ^ lengths, hashKey)
  return { tag: hash ^ encryptBlock(side.key, Uint8Array.of(...side.nonce, 0, 0, 0, 1)), hashKey }
}

/**
 * A ciphertext with tag that begins with `start` and opens on both sides (Dodis and others, CRYPTO 2018): AES-GCM does not
 * commit to its key. GHASH is linear in every block, so one free block after `start` makes the two tags equal.
 */
export function salamander(sides: readonly [Side, Side], start: Uint8Array): Uint8Array {
  if (start.length % BLOCK_BYTES !== 0) throw new RangeError('whole blocks only')
  const ciphertext = new Uint8Array(start.length + BLOCK_BYTES)
  ciphertext.set(start)
  const [one, other] = [tagOf(sides[0], ciphertext), tagOf(sides[1], ciphertext)]
  // The free block is the last but the lengths: it is multiplied by the square of each side's hash key.
  const weight = power(one.hashKey, 2n) ^ power(other.hashKey, 2n)
  const free = multiply(one.tag ^ other.tag, inverse(weight))
  ciphertext.set(fromBlock(free), start.length)
  return Uint8Array.of(...ciphertext, ...fromBlock(tagOf(sides[0], ciphertext).tag))
}
