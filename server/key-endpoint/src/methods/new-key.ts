import { randomBytes } from 'node:crypto'

/** The strength of AES-256. As base64url it is 43 characters, which clients use without stretching. */
const KEY_BYTES = 32

/** No two of a document ever meet; and it says nothing, since the relay and everybody on the way can read a hint. */
const HINT_BYTES = 16

export function createKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url')
}

export function createKeyHint(): string {
  return randomBytes(HINT_BYTES).toString('base64url')
}
