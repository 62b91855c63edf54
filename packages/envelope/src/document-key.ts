import { EnvelopeError } from './envelope-error.ts'
import { encodeText, isWellFormed } from './text.ts'

declare const brand: unique symbol

/** A string that `parseDocumentKey` has accepted. Byte-exact: it is never trimmed and never normalised. */
export type DocumentKey = string & { readonly [brand]: 'DocumentKey' }

// Protocol §2: room for any token a customer may use as a key, small enough to hash without a thought.
export const MAX_DOCUMENT_KEY_BYTES = 64 * 1024

const STRONG_ALPHABET = /^[A-Za-z0-9_+/=-]{32,}$/

// 32 characters of one hexadecimal token have 10 different ones with overwhelming probability; "aaaa…" has not.
const STRONG_DIFFERENT_CHARACTERS = 10

/** Accepts what a key source answered (protocol §2). Throws EnvelopeError `key-invalid`; the message tells type and length only. */
export function parseDocumentKey(value: unknown): DocumentKey {
  if (typeof value !== 'string') throw keyInvalid(`expected a string, got ${value === null ? 'null' : typeof value}`)
  if (value.length === 0) throw keyInvalid('the empty string')
  // UTF-8 never has fewer bytes than UTF-16 has units: this bounds the work before anything is copied.
  if (value.length > MAX_DOCUMENT_KEY_BYTES) throw keyInvalid(`${value.length} characters are too many`)
  if (!isWellFormed(value)) throw keyInvalid(`not well-formed Unicode (${value.length} characters)`)
  const bytes = encodeText(value).length
  if (bytes > MAX_DOCUMENT_KEY_BYTES) throw keyInvalid(`${bytes} bytes are too many`)
  // The checks above are what the brand stands for.
  return value as DocumentKey
}

/** True if the opener of an epoch must write stretch 1 for this key (protocol §2): it may be guessable. */
export function isWeakKey(key: DocumentKey): boolean {
  return !STRONG_ALPHABET.test(key) || new Set(key).size < STRONG_DIFFERENT_CHARACTERS
}

const keyInvalid = (what: string) => new EnvelopeError('key-invalid', 'caller', `document key: ${what}`)
