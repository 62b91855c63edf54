import { sha256 } from '@noble/hashes/sha2.js'
import { EnvelopeError } from '../envelope-error.ts'
import { type Engine, hold, KEY_BYTES, type OpeningKey, type Root, type SealingKey, TAG_BYTES } from './engine.ts'

const NO_SALT = new Uint8Array(0)
const BITS = 8

/** WebCrypto: native and constant time, keys that cannot be exported; everything but the hash is asynchronous. */
export const webCryptoEngine: Engine = createWebCryptoEngine('webcrypto', webCryptoSealingKey)

/** `sealingKey` decides how outbound envelopes are made: that is all in which the engine for browsers differs. */
export function createWebCryptoEngine(name: string, sealingKey: Engine['sealingKey']): Engine {
  return {
    name,
    // Hashing needs no key and is wanted synchronously, which WebCrypto cannot.
    sha256: (bytes) => sha256(bytes),
    sha256OfMany: async (bytes) => new Uint8Array(await subtle().digest('SHA-256', source(bytes))),
    hkdf: async (secret, salt, info, lengthBytes) => {
      const key = await subtle().importKey('raw', source(secret), 'HKDF', false, ['deriveBits'])
      return new Uint8Array(await subtle().deriveBits(hkdfOf(info, salt), key, lengthBytes * BITS))
    },
    pbkdf2: async (secret, salt, iterations, lengthBytes) => {
      const key = await subtle().importKey('raw', source(secret), 'PBKDF2', false, ['deriveBits'])
      const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: source(salt), iterations }
      return new Uint8Array(await subtle().deriveBits(parameters, key, lengthBytes * BITS))
    },
    hmac: async (key, bytes) => {
      const algorithm = { name: 'HMAC', hash: 'SHA-256' }
      return sign(await subtle().importKey('raw', source(key), algorithm, false, ['sign']), bytes)
    },
    sealingKey,
    openingKey: async (raw) => openingKeyOf(await importAes(raw, ['decrypt'])),
    root: async (secret) => {
      const usages: KeyUsage[] = ['deriveBits', 'deriveKey']
      return webCryptoRoot(await subtle().importKey('raw', source(secret), 'HKDF', false, usages), sealingKey)
    },
  }
}

/** K_epoch as a CryptoKey that cannot be exported. Subkeys that only open never exist as bytes in memory. */
function webCryptoRoot(imported: CryptoKey, sealingKey: Engine['sealingKey']): Root {
  const key = hold(imported)
  const bits = async (info: Uint8Array) =>
    new Uint8Array(await subtle().deriveBits(hkdfOf(info), key.get(), KEY_BYTES * BITS))
  return {
    bits,
    hmac: async (info, bytes) => {
      // Without `length` WebCrypto derives an HMAC key of a whole block, 512 bits, which the other engines do not.
      const algorithm = { name: 'HMAC', hash: 'SHA-256', length: KEY_BYTES * BITS }
      return sign(await subtle().deriveKey(hkdfOf(info), key.get(), algorithm, false, ['sign']), bytes)
    },
    sealingKey: async (info) => {
      const raw = await bits(info)
      try {
        return await sealingKey(raw)
      } finally {
        raw.fill(0)
      }
    },
    openingKey: async (info) => {
      const algorithm = { name: 'AES-GCM', length: KEY_BYTES * BITS }
      return openingKeyOf(await subtle().deriveKey(hkdfOf(info), key.get(), algorithm, false, ['decrypt']))
    },
    forget: key.forget,
  }
}

export async function webCryptoSealingKey(raw: Uint8Array): Promise<SealingKey> {
  const key = hold(await importAes(raw, ['encrypt']))
  return {
    seal: async (nonce, aad, plaintext) =>
      new Uint8Array(await subtle().encrypt(gcmOf(nonce, aad), key.get(), source(plaintext))),
    sealNow: () => {
      throw new EnvelopeError('unsupported', 'platform', 'WebCrypto cannot seal synchronously')
    },
    forget: key.forget,
  }
}

const openingKeyOf = (key: CryptoKey): OpeningKey => ({
  open: async (nonce, aad, ciphertext) => {
    try {
      return new Uint8Array(await subtle().decrypt(gcmOf(nonce, aad), key, source(ciphertext)))
    } catch (error) {
      // WebCrypto's one answer to a tag that does not verify; anything else is not about these bytes.
      if (error instanceof DOMException && error.name === 'OperationError') return undefined
      throw error
    }
  },
})

const importAes = (raw: Uint8Array, usages: KeyUsage[]) =>
  subtle().importKey('raw', source(raw), 'AES-GCM', false, usages)

const sign = async (key: CryptoKey, bytes: Uint8Array) =>
  new Uint8Array(await subtle().sign('HMAC', key, source(bytes)))

const hkdfOf = (info: Uint8Array, salt: Uint8Array = NO_SALT) => ({
  name: 'HKDF',
  hash: 'SHA-256',
  salt: source(salt),
  info: source(info),
})

const gcmOf = (nonce: Uint8Array, aad: Uint8Array) => ({
  name: 'AES-GCM',
  iv: source(nonce),
  additionalData: source(aad),
  tagLength: TAG_BYTES * BITS,
})

function subtle(): SubtleCrypto {
  // Absent on pages that are neither https nor localhost.
  const found = globalThis.crypto?.subtle as SubtleCrypto | undefined
  if (found === undefined) {
    throw new EnvelopeError('unsupported', 'platform', 'WebCrypto is missing: the page is not a secure context')
  }
  return found
}

/** WebCrypto's types refuse shared memory, and so does WebCrypto at run time; nothing here ever makes any. */
const source = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>
