import { gcm } from '@noble/ciphers/aes.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { pbkdf2Async } from '@noble/hashes/pbkdf2.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Engine, hold, type SealingKey, TAG_BYTES } from './engine.ts'
import { rawRoot } from './raw-root.ts'

/** Pure JavaScript. Its AES uses look-up tables, whose timing leaks; in browsers it only seals what a user just typed. */
export const nobleEngine: Engine = {
  name: 'noble',
  sha256: (bytes) => sha256(bytes),
  sha256OfMany: async (bytes) => sha256(bytes),
  hkdf: async (secret, salt, info, lengthBytes) => hkdf(sha256, secret, salt, info, lengthBytes),
  pbkdf2: (secret, salt, iterations, lengthBytes) =>
    pbkdf2Async(sha256, secret, salt, { c: iterations, dkLen: lengthBytes }),
  hmac: async (key, bytes) => hmac(sha256, key, bytes),
  sealingKey: async (raw) => nobleSealingKey(raw),
  openingKey: async (raw) => {
    const key = raw.slice()
    return {
      open: async (nonce, aad, ciphertext) => {
        if (ciphertext.length < TAG_BYTES) return undefined
        try {
          return gcm(key, nonce, aad).decrypt(ciphertext)
        } catch {
          return undefined
        }
      },
    }
  },
  root: async (secret) => rawRoot(nobleEngine, secret),
}

export function nobleSealingKey(raw: Uint8Array): SealingKey {
  const key = hold(raw.slice(), (bytes) => bytes.fill(0))
  const sealNow: SealingKey['sealNow'] = (nonce, aad, plaintext) => gcm(key.get(), nonce, aad).encrypt(plaintext)
  return {
    seal: async (nonce, aad, plaintext) => sealNow(nonce, aad, plaintext),
    sealNow,
    forget: key.forget,
  }
}
