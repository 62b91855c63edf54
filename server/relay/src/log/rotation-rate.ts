import type { EpochState, LeaseWish } from './epoch-state.ts'
import { sameHash } from './record-hash.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** How often a document may be rotated. */
export interface RotationRate {
  perMinute: number
  perDay: number
}

/** Epochs that were opened in the place of another, in the last minute and in the last day. */
export interface OpenedLately {
  minute: number
  day: number
}

/** Since when those have been opened (unix ms). */
export function lately(nowUnixMs: number): OpenedLately {
  return { minute: nowUnixMs - MINUTE_MS, day: nowUnixMs - DAY_MS }
}

/** Whether this lease would be one to replace the head as it is: what is refused for another reason does not count. */
export function isRotation({ head }: EpochState, wish: Pick<LeaseWish, 'purpose' | 'head'>): boolean {
  return wish.purpose === 'rotate' && sameHash(head.hash, wish.head)
}

export function isTooOften({ minute, day }: OpenedLately, { perMinute, perDay }: RotationRate): boolean {
  return minute >= perMinute || day >= perDay
}
