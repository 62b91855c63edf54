import { connect, createServer, type Socket } from 'node:net'

const END_OF_HEAD = '\r\n\r\n'

/** Stands before a relay and notes what HTTP says before a connection becomes a WebSocket; what follows passes untouched. */
export interface UpgradeTap {
  /** `ws://127.0.0.1:port` */
  readonly url: string
  /** What clients asked, first line and headers. */
  readonly requests: string[]
  /** What the relay answered. */
  readonly answers: string[]
  close(): void
}

export async function startUpgradeTap(relayUrl: string): Promise<UpgradeTap> {
  const { hostname, port } = new URL(relayUrl)
  const requests: string[] = []
  const answers: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const relay = connect(Number(port), hostname)
    for (const socket of [client, relay]) {
      sockets.add(socket)
      // Either end may go first; the other follows.
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        relay.destroy()
      })
    }
    noteHead(client, requests)
    noteHead(relay, answers)
    client.pipe(relay)
    relay.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address')
  return {
    url: `ws://127.0.0.1:${address.port}`,
    requests,
    answers,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function noteHead(socket: Socket, heads: string[]): void {
  let head = ''
  const note = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    const end = head.indexOf(END_OF_HEAD)
    if (end < 0) return
    socket.off('data', note)
    heads.push(head.slice(0, end))
  }
  socket.on('data', note)
}

/** Lower case, in the order in which they were sent. */
export function headerNames(head: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
}
