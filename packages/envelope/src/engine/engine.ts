import { EnvelopeError } from '../envelope-error.ts'

/** What the rest of the package needs of a cryptography library. Engines agree byte for byte; tests compare them. */
export interface Engine {
  readonly name: string
  sha256(bytes: Uint8Array): Uint8Array
  /** The same for megabytes: where JavaScript would hold up the page for them, the platform does it beside the page. */
  sha256OfMany(bytes: Uint8Array): Promise<Uint8Array>
  /** RFC 5869, extract and expand. */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, lengthBytes: number): Promise<Uint8Array>
  /** RFC 8018 with HMAC-SHA-256. */
  pbkdf2(secret: Uint8Array, salt: Uint8Array, iterations: number, lengthBytes: number): Promise<Uint8Array>
  hmac(key: Uint8Array, bytes: Uint8Array): Promise<Uint8Array>
  sealingKey(key: Uint8Array): Promise<SealingKey>
  openingKey(key: Uint8Array): Promise<OpeningKey>
  /** Takes K_epoch in, as a handle that cannot be exported where the platform has such; the caller zeroes `secret`. */
  root(secret: Uint8Array): Promise<Root>
}

/** K_epoch. Every method expands it: HKDF-SHA-256 with an empty salt, the given info, 32 bytes. */
export interface Root {
  bits(info: Uint8Array): Promise<Uint8Array>
  hmac(info: Uint8Array, bytes: Uint8Array): Promise<Uint8Array>
  sealingKey(info: Uint8Array): Promise<SealingKey>
  openingKey(info: Uint8Array): Promise<OpeningKey>
  /** Zeroes and drops the secret. The root is not used afterwards. */
  forget(): void
}

/** An AES-256-GCM key that seals; ciphertext and tag are one byte string. */
export interface SealingKey {
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  sealNow(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  forget(): void
}

/** An AES-256-GCM key that opens; undefined when the tag does not verify. */
export interface OpeningKey {
  open(nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array | undefined>
}

export const KEY_BYTES = 32
export const TAG_BYTES = 16

/** A secret that can be let go: using it afterwards throws, for zeroed bytes would still work as a key. */
export interface Held<T> {
  get(): T
  forget(): void
}

export function hold<T>(secret: T, wipe: (secret: T) => void = () => {}): Held<T> {
  let held: { secret: T } | undefined = { secret }
  return {
    get: () => {
      if (held === undefined) throw new EnvelopeError('caller', 'caller', 'the keys were forgotten')
      return held.secret
    },
    forget: () => {
      if (held !== undefined) wipe(held.secret)
      held = undefined
    },
  }
}
