import {
  type Down,
  EnvelopeKind,
  encodeFrame,
  encodeHeader,
  PROTOCOL_VERSION,
  parseDownFrame,
  type Up,
} from '@y-sealed/protocol'
import { FrameSocket } from '../frame-socket.ts'

/** The one channel of a connection that serves one room. */
export const CHANNEL = 1

const SALT_BYTES = 16
// One keystroke is padded to 64 bytes of plaintext; the tag has 16 more.
const SEALED_BYTES = 64 + 16

/** Connects and says hello. Whoever opens it sets `onMessage` afterwards. */
export async function greet(url: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(url)
  await ask(socket, { type: 'hello', minVersion: PROTOCOL_VERSION, maxVersion: PROTOCOL_VERSION, agent: 'bench' }, [
    'welcome',
  ])
  return socket
}

/** Says one message and resolves with the first answer of one of these types; only while nothing else is under way. */
export function ask<Type extends Down['type']>(
  socket: FrameSocket,
  question: Up,
  types: readonly Type[],
): Promise<Extract<Down, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const isWanted = (message: Down): message is Extract<Down, { type: Type }> =>
      types.some((type) => type === message.type)
    socket.onClose = () => reject(new Error(`the relay closed instead of answering ${question.type}`))
    socket.onMessage = (bytes, start, end) => {
      const answer = parseDownFrame(bytes.subarray(start, end)).find(isWanted)
      if (answer !== undefined) resolve(answer)
    }
    socket.send(encodeFrame([question]))
  })
}

/** Makes the next envelope of one sealer. */
export type NextEnvelope = () => Uint8Array

/**
 * Envelopes of one keystroke each, with everything that the relay looks at and arbitrary bytes where it cannot look. Sealing belongs to the
 * clients' cost, which other rows measure.
 */
export function opaqueEnvelopes(): NextEnvelope {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const sealed = crypto.getRandomValues(new Uint8Array(SEALED_BYTES))
  let counter = 0
  return () => {
    const header = encodeHeader({ kind: EnvelopeKind.update, epochIndex: 0, salt, counter: ++counter })
    const envelope = new Uint8Array(header.length + SEALED_BYTES)
    envelope.set(header)
    envelope.set(sealed, header.length)
    return envelope
  }
}
