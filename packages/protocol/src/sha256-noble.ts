import { sha256 as sha256Noble } from '@noble/hashes/sha2.js'

/** SHA-256 (FIPS 180-4) of the parts one after the other, 32 bytes. Synchronous, which WebCrypto's digest is not. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256Noble.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}
