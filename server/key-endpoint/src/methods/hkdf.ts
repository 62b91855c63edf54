import { hkdfSync } from 'node:crypto'
import { lengthPrefixed } from '../length-prefixed.ts'

const LABEL = 'y-sealed/key-endpoint/v1/'

/** The strength of AES-256; as base64url clients use it without stretching. */
const KEY_BYTES = 32

/** HKDF-SHA-256 over `secret` with `salt`; info: label, document id and hint, each with its length. */
export function createHkdf(
  secret: Buffer | string,
  salt: string,
  label: string,
  documentId: string,
  keyHint: string,
): string {
  // The document id alone has up to 1,024 bytes, and OpenSSL takes no more info: so it is hashed in with the salt.
  const context = Buffer.concat([lengthPrefixed(salt), lengthPrefixed(documentId), lengthPrefixed(keyHint)])
  return Buffer.from(hkdfSync('sha256', secret, context, LABEL + label, KEY_BYTES)).toString('base64url')
}
