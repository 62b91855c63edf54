import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setupWSConnection } from '@y/websocket-server/utils'
import { WebSocketServer } from 'ws'

export interface PlainServer {
  readonly url: string
  close(): Promise<void>
}

/** y-websocket's own server, without a database: it has a document as long as somebody has it open. */
export async function startPlainServer(): Promise<PlainServer> {
  const http = createServer()
  const server = new WebSocketServer({ server: http })
  server.on('connection', (socket, request) => setupWSConnection(socket, request))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    // A TCP server's address is an object.
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      for (const socket of server.clients) socket.terminate()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
