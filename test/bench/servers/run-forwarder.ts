import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

// The floor: what a WebSocket server on Node costs that passes on what it gets and does nothing else.
const rooms = new Map<string, Set<WebSocket>>()
const server = createServer()
const sockets = new WebSocketServer({ server })

sockets.on('connection', (socket, request) => {
  const name = request.url ?? '/'
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room)
  room.add(socket)
  socket.on('message', (bytes: Buffer) => {
    for (const other of room) if (other !== socket) other.send(bytes)
  })
  socket.on('close', () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(name)
  })
})
server.listen(Number(process.env.PORT), process.env.HOST, () => {
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo
  console.log(`forwarder listening on ws://127.0.0.1:${port}`)
})
