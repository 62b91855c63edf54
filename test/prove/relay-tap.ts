import { createServer, type IncomingMessage } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'

export interface TappedFrame {
  readonly direction: 'up' | 'down'
  readonly bytes: Uint8Array
}

/** Stands before the relay, and keeps what reaches it and what it says: HTTP heads and frames, unmasked. */
export interface RelayTap {
  /** `ws://127.0.0.1:port` */
  readonly url: string
  readonly frames: readonly TappedFrame[]
  /** The first line and the headers of every upgrade. */
  readonly heads: readonly string[]
  /** Where the relay is: it may be started after those who want to reach it through here. */
  pointAt(relayUrl: string): void
  close(): void
}

export async function startRelayTap(): Promise<RelayTap> {
  const frames: TappedFrame[] = []
  const heads: string[] = []
  let relayUrl = ''
  const server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (client, request) => {
    heads.push(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}`)
    const relay = new WebSocket(relayUrl + request.url, { headers: originOf(request), perMessageDeflate: false })
    pass(client, relay, 'up', frames)
    pass(relay, client, 'down', frames)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address')
  return {
    url: `ws://127.0.0.1:${address.port}`,
    frames,
    heads,
    pointAt(url) {
      relayUrl = url
    },
    close() {
      for (const client of sockets.clients) client.terminate()
      server.close()
    },
  }
}

/** The relay compares it with its allow-list. */
function originOf({ headers }: IncomingMessage): { origin?: string } {
  return headers.origin === undefined ? {} : { origin: headers.origin }
}

function pass(from: WebSocket, to: WebSocket, direction: 'up' | 'down', frames: TappedFrame[]): void {
  // What comes before the other side is open waits for it.
  const waiting: Buffer[] = []
  to.on('open', () => {
    for (const bytes of waiting.splice(0)) to.send(bytes)
  })
  from.on('message', (bytes: Buffer) => {
    frames.push({ direction, bytes: Uint8Array.from(bytes) })
    if (to.readyState === WebSocket.OPEN) to.send(bytes)
    else waiting.push(bytes)
  })
  // The other side notices that it is gone, as it would without us.
  from.on('close', () => to.terminate())
  from.on('error', () => to.terminate())
}
