import { concat } from './bytes.ts'
import { malformed } from './envelope-error.ts'
import type { Opened } from './open.ts'
import { unpad } from './padding.ts'
import { encodeBirth } from './plaintext.ts'

/** What one part carries. Every part but the last has exactly this much, its birth included. */
export const PART_BODY_BYTES = 256 * 1024

/** Cuts content (birth, body and padding as one) into bodies. Content that fits is one body, even if empty. */
export function cut(content: Uint8Array): Uint8Array[] {
  const bodies: Uint8Array[] = []
  for (let at = 0; at < content.length; at += PART_BODY_BYTES) bodies.push(content.subarray(at, at + PART_BODY_BYTES))
  return bodies.length === 0 ? [content] : bodies
}

/**
 * Joins the opened parts of one update or the opened chunks of one checkpoint, in counter order, into its body without
 * padding; of an envelope that stands alone it returns the body. Throws EnvelopeError `malformed` unless they are exactly that: one sealer, consecutive counters, first to last.
 */
export function joinParts(parts: readonly Opened[]): Uint8Array {
  const [first] = parts
  if (first === undefined) throw malformed('no parts')
  const lastAt = parts.length - 1
  for (const [at, part] of parts.entries()) {
    if (part.continues !== at > 0 || part.more !== at < lastAt) throw malformed('not the first part to the last')
    if (!follows(first, part, at)) throw malformed('parts of different updates')
    if (at < lastAt && contentBytes(part) !== PART_BODY_BYTES) throw malformed('a part of another length')
  }
  if (lastAt === 0) return first.body
  const body = concat(...parts.map((part) => part.body))
  return first.padded ? unpad(body) : body
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
