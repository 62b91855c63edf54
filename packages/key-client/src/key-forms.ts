import { isWeakKey, parseDocumentKey } from '@y-sealed/envelope'
import { fromBase64, toBase64url } from './base64url.ts'
import { ContractError, parseKeyAnswer } from './contract.ts'
import { KeyError } from './key-error.ts'

/** The strength of AES-256. As base64url it is 43 characters, which are used without stretching. */
const KEY_BYTES = 32

/** A new key: 32 random bytes as base64url. */
export function generateKey(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
}

/**
 * The key that 16 or 32 bytes are: their base64url without padding, the same that a Uint8Array is wherever a key is
 * wanted. A string is never converted by itself: the base64 of some bytes is another key than their base64url.
 * @param value bytes, or their base64 or base64url, padded or not
 * @throws KeyError `key-invalid`
 */
export function keyFromBytes(value: Uint8Array | string): string {
  const bytes = typeof value === 'string' ? fromBase64(value) : value
  const found = checkKey(bytes)
  if (!(bytes instanceof Uint8Array) || !found.ok) {
    throw new KeyError('key-invalid', 'keyFromBytes: expected 16 or 32 bytes, or their base64 or base64url', {
      fault: 'caller',
    })
  }
  return toBase64url(bytes)
}

/** `weak`: it will be stretched, and whoever opens a document with it is told `key-weak`. The reason has no part of the key. */
export type KeyCheck = { readonly ok: true; readonly weak: boolean } | { readonly ok: false; readonly reason: string }

/** Whether a value can be a key, as `staticKey` and every answer of a source are judged. */
export function checkKey(value: unknown): KeyCheck {
  try {
    const { key } = parseKeyAnswer({ key: value })
    return { ok: true, weak: isWeakKey(parseDocumentKey(key)) }
  } catch (error) {
    if (error instanceof ContractError) return { ok: false, reason: error.message }
    throw error
  }
}
