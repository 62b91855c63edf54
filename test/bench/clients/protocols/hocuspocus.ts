import { encodeVarint } from '@y-sealed/protocol/header'
import { createEncoder, toUint8Array, writeVarString, writeVarUint, writeVarUint8Array } from 'lib0/encoding'
import { FrameSocket } from '../frame-socket.ts'
import { countCharacters, Keystrokes } from '../keystrokes.ts'
import type { RawClient } from '../raw-client.ts'
import { VarintReader } from '../varint.ts'

const SYNC = 0
const AUTH = 2
const SYNC_REPLY = 4
const SYNC_STATUS = 8
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2
const UPDATE_HEAD = Uint8Array.of(SYNC, UPDATE)

/** Speaks Hocuspocus: each frame begins with the document's name, and a token comes before everything else. */
export async function openHocuspocusClient(url: string, room: string, clientId: number): Promise<RawClient> {
  const socket = await FrameSocket.open(url)
  const keystrokes = new Keystrokes(clientId)
  const reader = new VarintReader(new Uint8Array(0))
  const address = frame(room, () => {})
  let onStep2: () => void = () => {}
  const client: RawClient = {
    socket,
    onKeystrokes: () => {},
    onConfirmed: () => {},
    type: () => client.write(keystrokes.next()),
    write(update): void {
      socket.send(Buffer.concat([address, UPDATE_HEAD, encodeVarint(update.length), update]))
    },
    close: () => socket.close(),
  }
  socket.onMessage = (bytes, start) => {
    reader.moveTo(bytes, start)
    const addressBytes = reader.next()
    reader.at += addressBytes
    const type = reader.next()
    if (type === SYNC_STATUS) client.onConfirmed(reader.next())
    if (type !== SYNC && type !== SYNC_REPLY) return
    const kind = reader.next()
    if (kind === STEP_2) onStep2()
    if (kind !== UPDATE) return
    reader.next()
    const characters = countCharacters(bytes, reader.at, clientId)
    if (characters > 0) client.onKeystrokes(characters)
  }
  await new Promise<void>((resolve, reject) => {
    onStep2 = resolve
    socket.onClose = () => reject(new Error('the server closed a new connection'))
    socket.send(
      frame(room, (encoder) => {
        writeVarUint(encoder, AUTH)
        writeVarUint(encoder, 0)
        writeVarString(encoder, 'a token that nobody checks')
      }),
    )
    socket.send(
      frame(room, (encoder) => {
        writeVarUint(encoder, SYNC)
        writeVarUint(encoder, STEP_1)
        writeVarUint8Array(encoder, Uint8Array.of(0))
      }),
    )
  })
  return client
}

function frame(room: string, write: (encoder: ReturnType<typeof createEncoder>) => void): Uint8Array {
  const encoder = createEncoder()
  writeVarString(encoder, room)
  write(encoder)
  return toUint8Array(encoder)
}
