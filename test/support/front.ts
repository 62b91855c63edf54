import { connect, createServer, type Socket } from 'node:net'

/** Stands before a relay, as a balancer does; what comes and goes passes untouched. */
export interface Front {
  /** `ws://127.0.0.1:port` */
  readonly url: string
  /** Whoever connects from here on is led to this relay. */
  goTo(relayUrl: string): void
  close(): void
}

/** `onConnection` gets both ends before anything has passed. */
export async function startFront(
  relayUrl: string,
  onConnection: (client: Socket, relay: Socket) => void = () => {},
): Promise<Front> {
  let target = new URL(relayUrl)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const relay = connect(Number(target.port), target.hostname)
    for (const socket of [client, relay]) {
      sockets.add(socket)
      // Either end may go first; the other follows.
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        relay.destroy()
      })
    }
    onConnection(client, relay)
    client.pipe(relay)
    relay.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address')
  return {
    url: `ws://127.0.0.1:${address.port}`,
    goTo(url) {
      target = new URL(url)
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
