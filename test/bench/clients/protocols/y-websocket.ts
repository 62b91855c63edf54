import { FrameSocket } from '../frame-socket.ts'
import { countCharacters, Keystrokes } from '../keystrokes.ts'
import type { RawClient } from '../raw-client.ts'
import { VarintReader } from '../varint.ts'

// y-protocols: a sync message, and of these the third is an update.
const SYNC = 0
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2
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

function plainClient(socket: FrameSocket, clientId: number, server: 'echoes' | 'forwards') {
  const keystrokes = new Keystrokes(clientId)
  const reader = new VarintReader(new Uint8Array(0))
  const client = {
    socket,
    onKeystrokes: (_count: number): void => {},
    onConfirmed: (_count: number): void => {},
    onStep2: (): void => {},
    type(): void {
      socket.send(syncUpdate(keystrokes.next()))
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

/** `update` in a sync message; keystrokes are short, so that their length takes one byte. */
function syncUpdate(update: Uint8Array): Uint8Array {
  const message = new Uint8Array(3 + update.length)
  message[0] = SYNC
  message[1] = UPDATE
  message[2] = update.length
  message.set(update, 3)
  return message
}
