import { concat, u64be } from './bytes.ts'
import { malformed, misuse } from './envelope-error.ts'

/** The body of kind 3: when it was sealed, and a y-protocols awareness update. */
export interface AwarenessBody {
  unixMs: number
  update: Uint8Array
}

const TIME_BYTES = 6
const MAX_UNIX_MS = 2 ** 48 - 1

// Protocol §3: generous for a clock that is set wrong, too short to bring back a cursor of yesterday.
export const MAX_AWARENESS_AGE_MS = 5 * 60 * 1000

/** `u48be unix ms ‖ update`. */
export function encodeAwarenessBody(unixMs: number, update: Uint8Array): Uint8Array {
  if (!Number.isInteger(unixMs) || unixMs < 0 || unixMs > MAX_UNIX_MS) throw misuse('unix ms out of range')
  return concat(u64be(BigInt(unixMs)).subarray(8 - TIME_BYTES), update)
}

/** Throws EnvelopeError `malformed`. Whether the time is near enough is for `isCurrentAwareness` to say. */
export function parseAwarenessBody(body: Uint8Array): AwarenessBody {
  if (body.length < TIME_BYTES) throw malformed('awareness body too short')
  const view = new DataView(body.buffer, body.byteOffset, TIME_BYTES)
  return { unixMs: view.getUint16(0) * 2 ** 32 + view.getUint32(2), update: body.subarray(TIME_BYTES) }
}

/** False for an awareness state that a relay may have kept back: it is dropped. */
export const isCurrentAwareness = (body: AwarenessBody, nowUnixMs: number): boolean =>
  Math.abs(nowUnixMs - body.unixMs) <= MAX_AWARENESS_AGE_MS
