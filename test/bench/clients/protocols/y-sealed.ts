import type { Up } from '@y-sealed/protocol'
import { Keystrokes } from '../keystrokes.ts'
import type { RawClient } from '../raw-client.ts'
import { VarintReader } from '../varint.ts'
import { firstRecord } from './bench-keys.ts'
import { appendFrame, type MakeEnvelope, opaqueEnvelopes, realEnvelopes } from './sealed-appends.ts'
import { ask, CHANNEL, greet } from './y-sealed-wire.ts'

// Ids of the messages that are read without being parsed: a parser makes an object for each entry (protocol SPEC §3).
const ENTRIES = 0x43
const ACK = 0x46
const REFUSED = 0x49
const CLOSED = 0x4d
const HASH_PREFIX_BYTES = 8

/** Speaks y-sealed. Whoever finds the room without an epoch opens it. */
export async function openSealedClient(
  url: string,
  room: string,
  clientId: number,
  seals: 'opaquely' | 'really' = 'opaquely',
): Promise<RawClient> {
  const socket = await greet(url)
  const join: Up = {
    type: 'join',
    channel: CHANNEL,
    room,
    token: '',
    params: {},
    cursor: 0,
    hash: new Uint8Array(0),
    observe: false,
  }
  const joined = await ask(socket, join, ['joined', 'closed'])
  if (joined.type === 'closed') throw new Error(`the relay closed the channel: ${joined.reason}`)
  let lastRequest = 1
  let record = joined.records.at(-1)
  if (record === undefined) {
    record = await firstRecord(room)
    const open: Up = { type: 'open', channel: CHANNEL, request: lastRequest, record, sequence: 0, envelopes: [] }
    await ask(socket, open, ['opened'])
  }
  const envelopeOf: MakeEnvelope = seals === 'really' ? await realEnvelopes(room, record) : opaqueEnvelopes()
  const keystrokes = new Keystrokes(clientId)

  // As the provider does: what is typed while an append is in flight goes with the next one.
  let waiting: Uint8Array[] = []
  let isInFlight = false
  const sendWaiting = (): void => {
    isInFlight = true
    socket.send(appendFrame(++lastRequest, waiting))
    waiting = []
  }
  const client: RawClient = {
    socket,
    onKeystrokes: () => {},
    onConfirmed: () => {},
    type: () => client.write(keystrokes.next()),
    write(update): void {
      waiting.push(envelopeOf(update))
      if (isInFlight) return
      isInFlight = true
      // At the end of the turn, as with flushDelay 0.
      queueMicrotask(sendWaiting)
    },
    close: () => socket.close(),
  }
  const reader = new VarintReader(new Uint8Array(0))
  socket.onMessage = (bytes, start, end) => {
    for (let at = start; at < end; ) {
      reader.moveTo(bytes, at)
      const id = reader.next()
      const length = reader.next()
      at = reader.at + length
      if (id === ENTRIES) {
        reader.next()
        reader.next()
        reader.at += HASH_PREFIX_BYTES
        client.onKeystrokes(reader.next())
      } else if (id === ACK) {
        reader.next()
        reader.next()
        reader.next()
        isInFlight = false
        client.onConfirmed(reader.next())
        if (waiting.length > 0) sendWaiting()
      } else if (id === REFUSED || id === CLOSED) {
        throw new Error('the relay refused a load client')
      }
    }
  }
  return client
}
