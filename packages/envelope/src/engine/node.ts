import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  pbkdf2,
} from 'node:crypto'
import { promisify } from 'node:util'
import { type Engine, hold, type SealingKey, TAG_BYTES } from './engine.ts'
import { rawRoot } from './raw-root.ts'

const CIPHER = 'aes-256-gcm'
const pbkdf2Async = promisify(pbkdf2)

/** node:crypto: native and constant time, and synchronous where it matters. */
export const nodeEngine: Engine = {
  name: 'node',
  sha256,
  sha256OfMany: async (bytes) => sha256(bytes),
  hkdf: async (secret, salt, info, lengthBytes) => new Uint8Array(hkdfSync('sha256', secret, salt, info, lengthBytes)),
  pbkdf2: async (secret, salt, iterations, lengthBytes) =>
    plain(await pbkdf2Async(secret, salt, iterations, lengthBytes, 'sha256')),
  hmac: async (key, bytes) => plain(createHmac('sha256', key).update(bytes).digest()),
  sealingKey: async (raw) => {
    const key = hold(createSecretKey(raw))
    const sealNow: SealingKey['sealNow'] = (nonce, aad, plaintext) => seal(key.get(), nonce, aad, plaintext)
    return { seal: async (nonce, aad, plaintext) => sealNow(nonce, aad, plaintext), sealNow, forget: key.forget }
  },
  openingKey: async (raw) => {
    const key = createSecretKey(raw)
    return { open: async (nonce, aad, ciphertext) => open(key, nonce, aad, ciphertext) }
  },
  root: async (secret) => rawRoot(nodeEngine, secret),
}

function sha256(bytes: Uint8Array): Uint8Array {
  return plain(createHash('sha256').update(bytes).digest())
}

function seal(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(aad)
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
  sealed.set(cipher.update(plaintext))
  cipher.final()
  sealed.set(cipher.getAuthTag(), plaintext.length)
  return sealed
}

function open(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  if (ciphertext.length < TAG_BYTES) return undefined
  const tagAt = ciphertext.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad)
  decipher.setAuthTag(ciphertext.subarray(tagAt))
  const plaintext = decipher.update(ciphertext.subarray(0, tagAt))
  try {
    decipher.final()
  } catch {
    // Unverified bytes were never anybody's.
    plaintext.fill(0)
    return undefined
  }
  return plain(plaintext)
}

/** A Buffer may share its memory with others; what leaves the engine does not. */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)

export const engine: Engine = nodeEngine
