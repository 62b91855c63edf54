import { encodeVarint } from '@y-sealed/protocol/header'
import { FrameSocket } from '../frame-socket.ts'
import { countCharacters, Keystrokes } from '../keystrokes.ts'
import type { RawClient } from '../raw-client.ts'
import { VarintReader } from '../varint.ts'

// y-protocols: a sync message, and of these the third is an update.
const SYNC = 0
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2
const UPDATE_HEAD = Uint8Array.of(SYNC, UPDATE)
const EMPTY_STATE_VECTOR = Uint8Array.of(SYNC, STEP_1, 1, 0)

/** Speaks y-websocket. The server's answer to the question for its state says that the client has been taken in. */
export async function openYWebsocketClient(url: string, room: string, clientId: number): Promise<RawClient> {
  const client = plainClient(await FrameSocket.open(`${url}/${room}`), clientId, 'echoes')
  await new Promise<void>((resolve, reject) => {
    client.onStep2 = resolve
    client.socket.onClose = () => reject(new Error('the server closed a new connection'))
    client.socket.send(EMPTY_STATE_VECTOR)
  })
  return client
}

/** The forwarder's: the same frames, and nobody who answers. */
export async function openForwarderClient(url: string, room: string, clientId: number): Promise<RawClient> {
  return plainClient(await FrameSocket.open(`${url}/${room}`), clientId, 'forwards')
}

interface PlainClient extends RawClient {
  /** The server has answered with its state. */
  onStep2: () => void
}

function plainClient(socket: FrameSocket, clientId: number, server: 'echoes' | 'forwards'): PlainClient {
  const keystrokes = new Keystrokes(clientId)
  const reader = new VarintReader(new Uint8Array(0))
  const client: PlainClient = {
    socket,
    onKeystrokes: () => {},
    onConfirmed: () => {},
    onStep2: () => {},
    type: () => client.write(keystrokes.next()),
    write(update: Uint8Array): void {
      socket.send(Buffer.concat([UPDATE_HEAD, encodeVarint(update.length), update]))
    },
    close: () => socket.close(),
  }
  socket.onMessage = (bytes, start) => {
    reader.moveTo(bytes, start)
    if (reader.next() !== SYNC) return
    const kind = reader.next()
    if (kind === STEP_2) client.onStep2()
    if (kind !== UPDATE) return
    reader.next()
    const characters = countCharacters(bytes, reader.at, clientId)
    if (characters > 0) client.onKeystrokes(characters)
    // An echo of one's own update is all that this server ever says of it.
    else if (server === 'echoes') client.onConfirmed(1)
  }
  return client
}
