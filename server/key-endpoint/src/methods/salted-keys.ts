import { createHkdf } from './hkdf.ts'
import type { KeptSecret, KeyMethod } from './key-method.ts'
import { createKey, createKeyHint } from './new-key.ts'

export const SALTED = 'salted'

/** What `createKeyHint` makes. */
const SALT = /^[A-Za-z0-9_-]{22}$/

/**
 * One random key per document, and each key that is answered is derived from it and the salt in the hint (TinyMCE, Encryption setup,
 * method 2). Any salt is answered, so a backup needs the document's key only.
 */
export const saltedKeys: KeyMethod = {
  name: SALTED,
  weakness:
    "whoever takes a document's key from the database has all of its keys, past and to come, and shredding one destroys nothing",
  make(_documentId, newest) {
    const secret = newest?.origin === SALTED ? newest.secret : createKey()
    return { keyHint: createKeyHint(), origin: SALTED, secret }
  },
}

export function isSalt(keyHint: string): boolean {
  return SALT.test(keyHint)
}

export function saltedKey({ documentId, keyHint, secret }: KeptSecret): string {
  return createHkdf(secret, keyHint, SALTED, documentId, keyHint)
}
