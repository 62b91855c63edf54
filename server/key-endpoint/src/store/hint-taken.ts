import { KeyServerError } from '../key-server-error.ts'

/** A pair of document and hint never names another key: not one that was shredded or lost, either. */
export function hintTaken(): KeyServerError {
  return new KeyServerError('hint-taken', 'a new key was given a hint that the document has had before')
}

export function isHintTaken(error: unknown): boolean {
  return error instanceof KeyServerError && error.code === 'hint-taken'
}
