import type { Entry } from '@y-sealed/protocol'
import { readVarint } from '@y-sealed/protocol/header'

const NOTHING = new Uint8Array(0)

/** Lays entries out one behind the other, each `varint length ‖ proof ‖ varint length ‖ envelope`, as frames do. */
export function encodeRunBody(entries: readonly Entry[]): Uint8Array {
  let bytes = 0
  for (const { proof, envelope } of entries) bytes += sizeOf(proof) + sizeOf(envelope)
  // Written in place: a busy relay lays out hundreds of thousands of entries a second.
  const body = new Uint8Array(bytes)
  let at = 0
  for (const { proof, envelope } of entries) {
    at = writePart(body, at, proof)
    at = writePart(body, at, envelope)
  }
  return body
}

/** An entry in its body. */
export interface PlacedEntry extends Entry {
  /** Where its bytes end, and the next one's begin. */
  readonly end: number
}

/** The entries of a body, as views into it. Only for bodies that were parsed or laid out before. */
export function parseRunBody(body: Uint8Array): PlacedEntry[] {
  const entries: PlacedEntry[] = []
  for (let at = 0; at < body.length; ) {
    const proof = readPart(body, at)
    const envelope = readPart(body, proof.end)
    at = envelope.end
    entries.push({ proof: proof.bytes, envelope: envelope.bytes, end: at })
  }
  return entries
}

/** Bytes of a part with its length before it: seven bits of the length fit a byte. */
function sizeOf(part: Uint8Array): number {
  let prefixBytes = 1
  for (let rest = part.length; rest >= 0x80; rest >>>= 7) prefixBytes++
  return prefixBytes + part.length
}

function writePart(body: Uint8Array, at: number, part: Uint8Array): number {
  let end = at
  let rest = part.length
  for (; rest >= 0x80; rest >>>= 7) body[end++] = (rest & 0x7f) | 0x80
  body[end++] = rest
  body.set(part, end)
  return end + part.length
}

function readPart(body: Uint8Array, at: number): { bytes: Uint8Array; end: number } {
  const length = readVarint(body, at)
  const end = length.end + length.value
  if (length.value === 0) return { bytes: NOTHING, end }
  if (end > body.length) throw new RangeError('a stored run ends inside an entry')
  return { bytes: body.subarray(length.end, end), end }
}
