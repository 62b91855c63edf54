import { concat } from './bytes.ts'
import { encodeUnixMs } from './fields.ts'
import { reader } from './reader.ts'

/** The body of kind 3: when it was sealed, and a y-protocols awareness update. */
export interface AwarenessBody {
  unixMs: number
  update: Uint8Array
}

// Protocol §3: generous for a clock that is set wrong, too short to bring back a cursor of yesterday.
export const MAX_AWARENESS_AGE_MS = 5 * 60 * 1000

/** `u48be unix ms ‖ update`. */
export function encodeAwarenessBody(unixMs: number, update: Uint8Array): Uint8Array {
  return concat(encodeUnixMs(unixMs), update)
}

/** Throws EnvelopeError `malformed`. Whether the time is near enough is for `isCurrentAwareness` to say. */
export function parseAwarenessBody(body: Uint8Array): AwarenessBody {
  const read = reader(body, 'awareness body')
  return { unixMs: read.unixMs(), update: read.rest() }
}

/** False for an awareness state that a relay may have kept back: it is dropped. */
export const isCurrentAwareness = (body: AwarenessBody, nowUnixMs: number): boolean =>
  Math.abs(nowUnixMs - body.unixMs) <= MAX_AWARENESS_AGE_MS
