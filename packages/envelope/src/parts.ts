import { asOne } from './bytes.ts'
import { malformed } from './envelope-error.ts'
import type { Opened } from './open.ts'
import { withoutPadding } from './padding.ts'
import { encodeBirth } from './plaintext.ts'

/** What one part carries. Every part but the last has exactly this much, its birth included. */
export const PART_BODY_BYTES = 256 * 1024

/**
 * Cuts content (birth, body and padding, one behind another) into bodies. Content that fits is one body, even if empty. Only a body that lies in
 * several pieces is a copy: memory that is new to a page costs it more than sealing what stands there.
 */
export function cut(...pieces: readonly Uint8Array[]): Uint8Array[] {
  const bodies: Uint8Array[] = []
  let begun: Uint8Array[] = []
  let begunBytes = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const next = piece.subarray(at, at + PART_BODY_BYTES - begunBytes)
      at += next.length
      begunBytes += next.length
      begun.push(next)
      if (begunBytes < PART_BODY_BYTES) continue
      bodies.push(asOne(begun))
      begun = []
      begunBytes = 0
    }
  }
  return begunBytes > 0 || bodies.length === 0 ? [...bodies, asOne(begun)] : bodies
}

/**
 * Joins the opened parts of one update or the opened chunks of one checkpoint, in counter order, into its body without
 * padding; of an envelope that stands alone it returns the body. Throws EnvelopeError `malformed` unless they are exactly that: one sealer, consecutive counters, first to last.
 */
export function joinParts(parts: readonly Opened[]): Uint8Array {
  return asOne(bodiesOf(parts))
}

/** The same, in the pieces in which it was opened. */
export function bodiesOf(parts: readonly Opened[]): Uint8Array[] {
  const [first] = parts
  if (first === undefined) throw malformed('no parts')
  const lastAt = parts.length - 1
  for (const [at, part] of parts.entries()) {
    if (part.continues !== at > 0 || part.more !== at < lastAt) throw malformed('not the first part to the last')
    if (!follows(first, part, at)) throw malformed('parts of different updates')
    if (at < lastAt && contentBytes(part) !== PART_BODY_BYTES) throw malformed('a part of another length')
  }
  const bodies = parts.map((part) => part.body)
  return first.padded && lastAt > 0 ? withoutPadding(bodies) : bodies
}

function follows(first: Opened, part: Opened, at: number): boolean {
  return (
    part.kind === first.kind &&
    part.epochIndex === first.epochIndex &&
    part.counter === first.counter + at &&
    part.salt.every((byte, i) => byte === first.salt[i]) &&
    part.padded === first.padded &&
    part.repair === first.repair
  )
}

const contentBytes = (part: Opened): number =>
  (part.birth === undefined ? 0 : encodeBirth(part.birth).length) + part.body.length
