import type { KeyIn, LinkRole, Role } from './member-book.ts'

/** Fits under a caret. */
const MAX_NAME_CHARACTERS = 40
/** Controls, lone surrogates and overrides of the writing direction: no name needs them, and they make one look like another. */
const DISGUISE = /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u
/** No `*`: in a token that would be a prefix, not a name. */
const DOCUMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export function parseRole(value: unknown): Role | undefined {
  return value === 'write' || value === 'read' ? value : undefined
}

export function parseLinkRole(value: unknown): LinkRole | undefined {
  return value === 'none' ? value : parseRole(value)
}

export function parseKeyIn(value: unknown): KeyIn | undefined {
  return value === 'endpoint' || value === 'link' ? value : undefined
}

/** A person's name, trimmed, or nothing where it is not a name. */
export function parsePersonName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const name = value.normalize('NFC').trim()
  const usable = name !== '' && [...name].length <= MAX_NAME_CHARACTERS && !DISGUISE.test(name)
  return usable ? name : undefined
}

export function parseDocumentName(value: unknown): string | undefined {
  return typeof value === 'string' && DOCUMENT_NAME.test(value) ? value : undefined
}
