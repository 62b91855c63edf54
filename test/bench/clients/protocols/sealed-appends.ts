import { createSealer, recordHash } from '@y-sealed/envelope'
import { EnvelopeKind, encodeHeader, startHash } from '@y-sealed/protocol'
import { encodeVarint } from '@y-sealed/protocol/header'
import { keysOf } from './bench-keys.ts'
import { CHANNEL } from './y-sealed-wire.ts'

const SALT_BYTES = 16
// Flags, codec and tag, which every envelope has.
const FLAGS_AND_CODEC_BYTES = 2
const TAG_BYTES = 16
// What a keystroke is padded to.
const SMALLEST_PADDED_BYTES = 64
// Of the message `append` (protocol SPEC §3).
const APPEND = 0x14
const NAMES_NOTHING = 0

/** Makes the envelope of an update. */
export type MakeEnvelope = (update: Uint8Array) => Uint8Array

/**
 * Envelopes with everything that the relay looks at, as long as those of a sealer with padding, and with arbitrary bytes where the relay cannot
 * look. Sealing is the clients' cost, which other rows measure.
 */
export function opaqueEnvelopes(): MakeEnvelope {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const start = encodeHeader({ kind: EnvelopeKind.update, epochIndex: 0, salt, counter: 1 }).slice(0, -1)
  let counter = 0
  return (update) => {
    const count = encodeVarint(++counter)
    const sealedBytes = Math.max(SMALLEST_PADDED_BYTES, FLAGS_AND_CODEC_BYTES + update.length) + TAG_BYTES
    const envelope = new Uint8Array(start.length + count.length + sealedBytes)
    envelope.set(start)
    envelope.set(count, start.length)
    envelope.set(update, start.length + count.length)
    return envelope
  }
}

/** Envelopes that members of the document can open. */
export async function realEnvelopes(documentId: string, record: Uint8Array): Promise<MakeEnvelope> {
  const sealer = await createSealer(await keysOf(documentId, record), { epochIndex: 0 })
  // All that this client has seen of the log is its beginning.
  const birth = { sequence: 0, hash: startHash(recordHash(record)) }
  return (update) => {
    const [envelope] = sealer.sealNow(EnvelopeKind.update, update, sealer.unborn ? { birth } : {})
    if (envelope === undefined) throw new Error('nothing was sealed')
    return envelope
  }
}

/**
 * The frame of one `append`, written straight into one buffer: the codec's objects for each entry would make the load client dearer than the
 * relay.
 */
export function appendFrame(request: number, envelopes: readonly Uint8Array[]): Uint8Array {
  const head = [...encodeVarint(CHANNEL), ...encodeVarint(request), NAMES_NOTHING, ...encodeVarint(envelopes.length)]
  const bodyBytes = envelopes.reduce((sum, { length }) => sum + 1 + encodedBytes(length) + length, head.length)
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

/** Of a length as a varint; an envelope has at most 256 KiB and a little. */
function encodedBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : 3
}
