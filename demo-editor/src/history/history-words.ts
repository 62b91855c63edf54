import type { EpochInfo } from 'y-sealed'
import { say, sayIfKnown } from '../messages/words.ts'
import { entriesIn, type Place, type Span } from './places.ts'

/** Codes that mean: this epoch is not to be had. Other epochs are as readable as before. */
const LOCKING = ['key-refused', 'key-unknown', 'key-mismatch', 'key-invalid', 'key-missing', 'pruned']

export const isLockingCode = (code: string | undefined): boolean => code !== undefined && LOCKING.includes(code)

/** Why an earlier state is not shown, and what to do about it. */
export function failureText(error: unknown, isOnline: boolean): string {
  const code = codeOf(error)
  const words = code === undefined ? undefined : sayIfKnown(`history.failed.${code}`)
  if (words !== undefined && isLockingCode(code)) return words + say('history.failed.others')
  if (!isOnline) return say('history.failed.offline')
  return words ?? say('history.failed.unknown')
}

export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

export function entriesText(epoch: EpochInfo): string {
  const count = entriesIn(epoch)
  if (count === 0) return say('history.no-changes')
  return count === 1 ? say('history.one-change') : say('history.changes', { count })
}

/** What the slider says of itself. */
export function placeText(place: Place, { first, last }: Span): string {
  if (place.at === first && first === 0) return say('history.before')
  return say('history.place', { at: place.at, last, epoch: place.epochIndex })
}
