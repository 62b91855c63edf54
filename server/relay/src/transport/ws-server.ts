import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { closeReasons, MAX_FRAME_BYTES } from '@y-sealed/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Gate } from '../auth/gate.ts'
import type { Clock } from '../clock.ts'
import type { RelayContext } from '../context.ts'
import { Conversation } from '../session/conversation.ts'
import { WsConnection } from './connection.ts'
import type { Turn } from './turn.ts'

export interface WsServerOptions {
  context: RelayContext
  gate: Gate
  turn: Turn
  clock: Clock
}

/** Turns upgrades into conversations; the only place that listens to WebSockets. */
export class WsServer {
  readonly #options: WsServerOptions
  readonly #connections = new Set<WsConnection>()
  // Compression of ciphertext saves nothing and costs memory per connection.
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  })
  #sweepTimer: unknown
  #isDraining = false

  constructor(options: WsServerOptions) {
    this.#options = options
    this.#scheduleSweep()
  }

  get connections(): number {
    return this.#connections.size
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#isDraining) refuse(socket, '503 Service Unavailable')
    else if (!this.#options.gate(request.headers)) refuse(socket, '403 Forbidden')
    else this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, socket))
  }

  /** Takes nothing more from the clients. */
  drain(): void {
    this.#isDraining = true
    this.#options.clock.clearTimeout(this.#sweepTimer)
  }

  /** Closes every connection with 4503 and resolves when they are gone. */
  async close(): Promise<void> {
    const { clock, context } = this.#options
    for (const connection of this.#connections) connection.close(closeReasons.draining)
    const timer = clock.setTimeout(() => this.#terminateAll(), context.limits.drainMs)
    await Promise.all([...this.#connections].map((connection) => connection.closed))
    clock.clearTimeout(timer)
  }

  #accept(webSocket: WebSocket, socket: Socket): void {
    const { context, turn, clock } = this.#options
    const connection = new WsConnection(webSocket, socket, turn, context.limits)
    this.#connections.add(connection)
    const helloTimer = clock.setTimeout(() => connection.close(closeReasons.timeout), context.limits.helloMs)
    const admit = limitStrangerBytes(socket, context.limits.strangerBytes, () => connection.terminate())
    const conversation = new Conversation({
      context,
      connection,
      onHello: () => clock.clearTimeout(helloTimer),
      onJoined: admit,
    })
    webSocket.on('message', (message, isBinary) => {
      if (this.#isDraining || !connection.isOpen) return
      if (isBinary && message instanceof Buffer) conversation.receive(message)
      else connection.close(closeReasons.malformed, 'y-sealed frames are binary')
    })
    webSocket.on('close', () => {
      clock.clearTimeout(helloTimer)
      this.#connections.delete(connection)
      conversation.end()
    })
    // A reset or a broken frame; `close` follows, and the client reconnects.
    webSocket.on('error', () => {})
  }

  #scheduleSweep(): void {
    const { clock, context } = this.#options
    this.#sweepTimer = clock.setTimeout(() => {
      for (const connection of this.#connections) connection.sweep()
      this.#scheduleSweep()
    }, context.limits.silenceMs / 2)
  }

  #terminateAll(): void {
    for (const connection of this.#connections) connection.terminate()
  }
}

/** Ends a connection that sends more before its first join is allowed; returns what lifts that. */
function limitStrangerBytes(socket: Socket, maxBytes: number, onExcess: () => void): () => void {
  let bytes = 0
  // Counted on the socket: a frame that is never finished is no message, but memory.
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBytes) onExcess()
  }
  socket.on('data', count)
  return () => socket.off('data', count)
}

function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
