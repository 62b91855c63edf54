import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { closeReasons, MAX_FRAME_BYTES, withReturnAdvice } from '@y-sealed/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Gate } from '../auth/gate.ts'
import { JoinRates } from '../auth/join-rates.ts'
import type { Clock } from '../clock.ts'
import type { RelayContext } from '../context.ts'
import { Conversation } from '../session/conversation.ts'
import { HeldBytes } from '../session/held-bytes.ts'
import type { SocketBytes } from '../telemetry/traffic.ts'
import type { AddressOf, ClientAddress } from './client-address.ts'
import { WsConnection } from './connection.ts'
import { ConnectionCounts } from './connection-counts.ts'
import { Stranger } from './stranger.ts'
import type { Turn } from './turn.ts'

export interface WsServerOptions {
  context: RelayContext
  gate: Gate
  addressOf: AddressOf
  turn: Turn
  clock: Clock
}

/** Turns upgrades into conversations; the only place that listens to WebSockets. */
export class WsServer {
  readonly #options: WsServerOptions
  readonly #connections = new Set<WsConnection>()
  readonly #counts: ConnectionCounts
  readonly #joinRates: JoinRates
  readonly #bytesOfStrangers: HeldBytes
  // Compression of ciphertext saves nothing and costs memory per connection.
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  })
  #sweepTimer: unknown
  #isDraining = false
  #hasWarned = false

  constructor(options: WsServerOptions) {
    this.#options = options
    const { clock, context } = options
    const { limits } = context
    this.#counts = new ConnectionCounts(limits)
    this.#bytesOfStrangers = new HeldBytes(limits.maxStrangersBytes)
    this.#joinRates = new JoinRates(
      clock,
      { burst: limits.joinBurst, perSecond: limits.joinsPerSecond },
      { burst: limits.joinBurstPerAddress, perSecond: limits.joinsPerSecondPerAddress },
    )
    this.#scheduleSweep()
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Of the open connections. */
  get socketBytes(): SocketBytes {
    const sum = { received: 0, sent: 0 }
    for (const { socketBytes } of this.#connections) {
      sum.received += socketBytes.received
      sum.sent += socketBytes.sent
    }
    return sum
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#isDraining) refuse(socket, '503 Service Unavailable')
    else if (!this.#options.gate(request.headers)) refuse(socket, '403 Forbidden')
    else {
      const from = this.#addressOf(request, socket)
      this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, socket, from))
    }
  }

  /** Takes nothing more from the clients. */
  drain(): void {
    this.#isDraining = true
    this.#options.clock.clearTimeout(this.#sweepTimer)
  }

  /** Closes every connection with 4503 and resolves when they are gone. */
  async close(): Promise<void> {
    const { clock, context } = this.#options
    const { drainMs, returnsPerSecond } = context.limits
    const { draining } = closeReasons
    const sentence = withReturnAdvice(draining.meaning, (this.#connections.size / returnsPerSecond) * 1_000)
    for (const connection of this.#connections) connection.close(draining, sentence)
    const timer = clock.setTimeout(() => this.#terminateAll(), drainMs)
    await Promise.all([...this.#connections].map((connection) => connection.closed()))
    clock.clearTimeout(timer)
  }

  #accept(webSocket: WebSocket, socket: Socket, { address, client }: ClientAddress): void {
    const { context, turn, clock } = this.#options
    const connection = new WsConnection(webSocket, socket, address, turn, context.limits)
    // A reset or a broken frame; `close` follows, and the client reconnects.
    webSocket.on('error', ignore)
    const refusal = this.#counts.enter(client)
    if (refusal !== undefined) {
      // Said over the WebSocket: of an HTTP status a browser tells its page nothing.
      connection.close(closeReasons.overload, refusal)
      clock.setTimeout(() => connection.terminate(), context.limits.drainMs)
      return
    }
    this.#connections.add(connection)
    const conversation = new Conversation({
      ...{ context, connection, mayAsk: this.#joinRates.connect(client) },
      stranger: new Stranger({ clock, limits: context.limits, socket, bytesOfAll: this.#bytesOfStrangers, connection }),
    })
    webSocket.on('message', (message, isBinary) => {
      if (this.#isDraining || !connection.isOpen) return
      if (isBinary && message instanceof Buffer) conversation.receive(message)
      else connection.close(closeReasons.malformed, 'y-sealed frames are binary')
    })
    webSocket.on('close', (code) => {
      context.metrics.connectionClosed(code)
      context.metrics.traffic.ended(connection.socketBytes)
      this.#counts.leave(client)
      this.#connections.delete(connection)
      conversation.end()
    })
  }

  #addressOf(request: IncomingMessage, socket: Socket): ClientAddress {
    const { addressOf, context } = this.#options
    const forwardedFor = request.headers['x-forwarded-for']
    const header = Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor
    const from = addressOf(socket.remoteAddress ?? '', header)
    if (from.client === undefined && header !== undefined && !this.#hasWarned) {
      this.#hasWarned = true
      context.log.warn('the clients of a proxy are not told apart: name it in trustedProxies')
    }
    return from
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

function ignore(): void {}

function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
