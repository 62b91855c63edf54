import { EnvelopeKind, encodeHeader } from '@y-sealed/protocol'
import { encodeVarint } from '@y-sealed/protocol/header'
import { CHANNEL } from './y-sealed-wire.ts'

const SALT_BYTES = 16
// One keystroke is padded to 64 bytes of plaintext; the tag has 16 more.
const SEALED_BYTES = 64 + 16
// Of the message `append` (protocol SPEC §3).
const APPEND = 0x14

/** Makes the next envelope of one sealer. */
export type NextEnvelope = () => Uint8Array

/**
 * Envelopes of one keystroke each, with everything that the relay looks at and arbitrary bytes where it cannot look. Sealing belongs to the
 * clients' cost, which other rows measure.
 */
export function opaqueEnvelopes(): NextEnvelope {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const sealed = crypto.getRandomValues(new Uint8Array(SEALED_BYTES))
  const start = encodeHeader({ kind: EnvelopeKind.update, epochIndex: 0, salt, counter: 1 }).slice(0, -1)
  let counter = 0
  return () => {
    const count = encodeVarint(++counter)
    const envelope = new Uint8Array(start.length + count.length + SEALED_BYTES)
    envelope.set(start)
    envelope.set(count, start.length)
    envelope.set(sealed, start.length + count.length)
    return envelope
  }
}

/**
 * The frame of one `append`, written straight into one buffer: the codec's objects for each entry would make the load client dearer than the
 * relay. A test compares it with the codec's.
 */
export function appendFrame(request: number, envelopes: readonly Uint8Array[]): Uint8Array {
  const head = [...encodeVarint(CHANNEL), ...encodeVarint(request), ...encodeVarint(envelopes.length)]
  const bodyBytes = envelopes.reduce((sum, { length }) => sum + 1 + lengthBytes(length) + length, head.length)
  const start = [APPEND, ...encodeVarint(bodyBytes), ...head]
  const frame = new Uint8Array(start.length + bodyBytes - head.length)
  frame.set(start)
  let at = start.length
  for (const envelope of envelopes) {
    // No proof: a length of 0.
    at++
    for (let rest = envelope.length; ; rest = Math.floor(rest / 128)) {
      frame[at++] = rest < 128 ? rest : (rest % 128) | 128
      if (rest < 128) break
    }
    frame.set(envelope, at)
    at += envelope.length
  }
  return frame
}

function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : 3
}
