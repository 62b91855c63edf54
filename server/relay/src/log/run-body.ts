import type { Entry } from '@y-sealed/protocol'
import { encodeVarint, readVarint } from '@y-sealed/protocol/header'

/** Lays entries out one behind the other, each `varint length ‖ proof ‖ varint length ‖ envelope`, as frames do. */
export function encodeRunBody(entries: readonly Entry[]): Uint8Array {
  const parts = entries.flatMap(({ proof, envelope }) => [
    encodeVarint(proof.length),
    proof,
    encodeVarint(envelope.length),
    envelope,
  ])
  return Buffer.concat(parts)
}

/** The entries of a body, as views into it. Only for bodies that `encodeRunBody` has made. */
export function parseRunBody(body: Uint8Array): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < body.length; ) {
    const proof = readPart(body, at)
    const envelope = readPart(body, proof.end)
    entries.push({ proof: proof.bytes, envelope: envelope.bytes })
    at = envelope.end
  }
  return entries
}

function readPart(body: Uint8Array, at: number): { bytes: Uint8Array; end: number } {
  const length = readVarint(body, at)
  const end = length.end + length.value
  if (end > body.length) throw new RangeError('a stored run ends inside an entry')
  return { bytes: body.subarray(length.end, end), end }
}
