import * as crypto from 'node:crypto'

// An envelope of a keystroke and every link of the chain fit; copying more than this costs what a hash object does.
const JOIN_BYTES = 2_048
const joined = new Uint8Array(JOIN_BYTES)
/** `joined` through each length that has come: a view costs as much as the hash of what it shows. */
const views: Uint8Array[] = []

/** SHA-256 (FIPS 180-4) of the parts one after the other, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  // Node 21 had no `hash` before 21.7.
  if (length > JOIN_BYTES || !crypto.hash) return streamed(parts)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  // As text: a Buffer of 32 bytes costs more than its hash. `binary` has one byte in each character.
  return fromBinary(crypto.hash('sha256', joinedThrough(length), 'binary'))
}

function joinedThrough(length: number): Uint8Array {
  const view = views[length] ?? joined.subarray(0, length)
  views[length] = view
  return view
}

function streamed(parts: readonly Uint8Array[]): Uint8Array {
  const hash = crypto.createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

function fromBinary(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
