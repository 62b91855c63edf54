import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setupWSConnection } from '@y/websocket-server/utils'
import { WebSocketServer } from 'ws'

// As its own command does, but with the `ws` that all servers here run on: its own is older and slower.
const server = createServer()
const sockets = new WebSocketServer({ server })

sockets.on('connection', (socket, request) => setupWSConnection(socket, request))
server.listen(Number(process.env.PORT), process.env.HOST, () => {
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo
  console.log(`y-websocket server listening on ws://127.0.0.1:${port}`)
})
