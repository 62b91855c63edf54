import { EnvelopeKind } from '@y-sealed/protocol/header'
import { malformed } from './envelope-error.ts'

const PAD_MARK = 0x80

// An insertion and a deletion of one character both fit the first step, so that a size does not tell one from the other.
const STEPS_BYTES = [64, 128, 256]

// Names, colours and cursors of one user: typing in one's name does not show.
const AWARENESS_STEP_BYTES = 384

// Room for a witness with a birth and the longest sequences: all witnesses look the same.
const WITNESS_STEP_BYTES = 256

/** The padded size of a plaintext whose flags, codec, body and 0x80 take `bytes` (protocol §3). */
export function paddedBytes(kind: EnvelopeKind, bytes: number): number {
  if (kind === EnvelopeKind.awareness) return Math.ceil(bytes / AWARENESS_STEP_BYTES) * AWARENESS_STEP_BYTES
  if (kind === EnvelopeKind.witness) return Math.ceil(bytes / WITNESS_STEP_BYTES) * WITNESS_STEP_BYTES
  return STEPS_BYTES.find((step) => bytes <= step) ?? padme(bytes)
}

/** Padmé (Nikitin and others, PoPETs 2019/4): at most 12 % longer, and only O(log log n) bits of the size remain. */
function padme(bytes: number): number {
  const exponent = floorLog2(bytes)
  const keptBits = floorLog2(exponent) + 1
  const step = 2 ** (exponent - keptBits)
  return Math.ceil(bytes / step) * step
}

/** Exact for 1 to 2^32 - 1, where a floating-point logarithm may round up. */
const floorLog2 = (value: number): number => 31 - Math.clz32(value)

/** 0x80 and zeros, `bytes` of them: what stands behind content that is padded. */
export function paddingOf(bytes: number): Uint8Array {
  const padding = new Uint8Array(bytes)
  padding[0] = PAD_MARK
  return padding
}

/** Removes the padding. Throws EnvelopeError `malformed` where there is none. */
export function unpad(padded: Uint8Array): Uint8Array {
  const end = endOfContent(padded)
  if (end === undefined) throw malformed('padding without its mark')
  return padded.subarray(0, end)
}

/** The same, of content that stands in pieces, none of which is left empty: they are what was cut. */
export function withoutPadding(pieces: readonly Uint8Array[]): Uint8Array[] {
  const left = [...pieces]
  for (let piece = left.pop(); piece !== undefined; piece = left.pop()) {
    const end = endOfContent(piece)
    if (end === 0 && left.length > 0) return left
    if (end !== undefined) return [...left, piece.subarray(0, end)]
  }
  throw malformed('padding without its mark')
}

/** Where the mark of the padding stands; undefined if there is nothing but zeros. Throws EnvelopeError `malformed` for anything else. */
function endOfContent(padded: Uint8Array): number | undefined {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (end < 0) return undefined
  if (padded[end] !== PAD_MARK) throw malformed('padding without its mark')
  return end
}
