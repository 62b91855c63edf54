import type { EpochInfo } from 'y-sealed'
import { entriesIn, type Place, type Span } from './places.ts'

/** Codes that mean: this epoch is not to be had. Other epochs are as readable as before. */
const LOCKING: Record<string, string> = {
  'key-refused': 'Locked: the key endpoint does not give you the key of this epoch.',
  'key-unknown': 'Locked: the key endpoint no longer has the key of this epoch.',
  'key-mismatch': 'Locked: the key endpoint gives another key than this epoch was sealed with.',
  'key-invalid': 'Locked: what the key endpoint gives for this epoch is no key.',
  'key-missing': 'Locked: there is no key for this epoch.',
  pruned: 'Not kept: the relay has dropped this part of the history after the time that its operator has set.',
}

const SENTENCES: Record<string, string> = {
  'key-unavailable': 'The key endpoint does not answer. Try again in a moment.',
  withheld: 'The relay does not hand out all of this epoch, so nothing of it is shown.',
  gap: 'The relay left something out of this epoch, so nothing of it is shown.',
  tampered: 'The relay delivered something that was altered. It was thrown away.',
  fork: 'The relay shows another history than this document has. It was thrown away.',
  rollback: 'The relay lost stored changes of this epoch.',
  'relay-fault': 'The relay gave an answer that makes no sense. Try again.',
  'member-fault': 'Somebody sealed a beginning of this epoch that cannot be read.',
  destroyed: 'The connection was made anew in between. Try again.',
  limit: 'This epoch is larger than this page opens.',
  'checkpoint-incomplete': 'The state that this epoch began with is not complete.',
}

export const isLockingCode = (code: string | undefined): boolean => code !== undefined && Object.hasOwn(LOCKING, code)

/** Why an earlier state is not shown, and what to do about it. */
export function failureText(error: unknown, isOnline: boolean): string {
  const code = codeOf(error)
  if (code !== undefined && isLockingCode(code)) return `${LOCKING[code]} Other epochs stay readable.`
  if (!isOnline) return 'You are offline. Earlier states are read from the relay: they open once you are back.'
  if (code !== undefined && Object.hasOwn(SENTENCES, code)) return SENTENCES[code] ?? ''
  return `This state could not be opened${error instanceof Error ? `: ${error.message}` : ''}.`
}

export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

export function entriesText(epoch: EpochInfo): string {
  const entries = entriesIn(epoch)
  if (entries === 0) return 'no changes'
  return entries === 1 ? '1 change' : `${entries} changes`
}

/** What the slider says of itself. */
export function placeText(place: Place, { first, last }: Span): string {
  if (place.at === first && first === 0) return 'Before the first change'
  return `Change ${place.at} of ${last}, epoch ${place.epochIndex}`
}
