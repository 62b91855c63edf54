import { type Clock, systemClock } from '@y-sealed/key-client'
import {
  closeReasons,
  DEFAULT_LIMITS,
  type Down,
  encodeFrame,
  type Limits,
  MIN_PROTOCOL_VERSION,
  PROTOCOL_VERSION,
  parseDownFrame,
  returnAdvice,
  type Up,
} from '@y-sealed/protocol'
import { ObservableV2 } from 'lib0/observable'

import { rethrowLater } from '../rethrow-later.ts'
import { SealedError } from '../sealed-error.ts'
import { backoffMs } from './backoff.ts'
import { type ConnectionEvent, type ConnectionState, transition } from './connection-machine.ts'
import { onPageAwake } from './page-awake.ts'
import {
  type CloseFacts,
  isWorthReconnecting,
  parseRelayUrl,
  resolveWebSocket,
  type WebSocketConstructor,
  type WebSocketLike,
} from './web-socket.ts'

/** y-websocket's default: a person who waits for a reconnect does not wait longer than this. */
const DEFAULT_MAX_BACKOFF_MS = 2_500
/** A relay that takes a client in and throws it out again at once is no relay that works, and must not be able to make it hurry. */
const CALM_MS = 10_000
/** After this much silence we ask the relay whether it is there: half of what we take as death. */
const PING_AFTER_MS = 15_000
/** y-websocket's figure: proxies cut idle connections at 60 s, a half-open TCP connection says nothing at all. */
const SILENCE_IS_DEATH_MS = 30_000

export interface RelayConnectionOptions {
  WebSocketPolyfill?: WebSocketConstructor
  protocols?: string[]
  maxBackoffTime?: number
  /** Default: the protocol's table of close codes; 44xx it does not name are final, as in y-websocket 3.1. */
  shouldReconnect?: (event: CloseFacts) => boolean
  allowInsecure?: boolean
  unsafeClock?: Clock
}

/** One room on a connection. `onOpen` is called at each (re)connect, `onClosed` when the socket is gone. */
export interface RoomPort {
  onOpen(): void
  onMessages(messages: Down[]): void
  onClosed(): void
}

export interface ConnectionEvents {
  connecting: () => void
  'connection-close': (event: CloseFacts | null) => void
  'connection-error': (event: unknown) => void
  problem: (error: SealedError) => void
  /** Final: nothing is tried again before `connect()`. Emitted last. */
  closed: (event: CloseFacts) => void
}

type DownOfChannel = Extract<Down, { channel: number }>

/**
 * One WebSocket to a relay. A provider makes its own; pass `connection: new RelayConnection(url)` to share one between several.
 * Opened while anybody wants it, reconnected with jittered back-off, found dead after 30 s of silence.
 */
export class RelayConnection extends ObservableV2<{ [Name in keyof ConnectionEvents]: ConnectionEvents[Name] }> {
  readonly url: string
  maxBackoffTime: number
  shouldReconnect: (event: CloseFacts) => boolean
  /** What this relay takes, as its `welcome` said. */
  limits: Limits = DEFAULT_LIMITS
  #state: ConnectionState = 'idle'
  #socket: WebSocketLike | undefined
  #failures = 0
  /** Within which time the relay wants us back. */
  #adviceMs = 0
  /** Since when the present connection has been of use. */
  #workedSinceMs: number | undefined
  #waitTimer: unknown
  #silenceTimer: unknown
  #lastReceivedMs = 0
  #nextChannel = 1
  /** Why the socket closes; null when it is our own doing. */
  #closeEvent: CloseFacts | null = null
  readonly #rooms = new Map<number, RoomPort>()
  readonly #wanting = new Set<object>()
  readonly #WebSocket: WebSocketConstructor
  readonly #protocols: string[]
  readonly #clock: Clock
  readonly #unwatchPage: () => void

  /** Throws SealedError `unsupported` without a WebSocket, or for `ws:` to a host that is not loopback. */
  constructor(url: string, options: RelayConnectionOptions = {}) {
    super()
    this.url = parseRelayUrl(url, options.allowInsecure === true)
    this.#WebSocket = resolveWebSocket(options.WebSocketPolyfill)
    this.#protocols = options.protocols ?? []
    this.#clock = options.unsafeClock ?? systemClock
    this.maxBackoffTime = options.maxBackoffTime ?? DEFAULT_MAX_BACKOFF_MS
    this.shouldReconnect = options.shouldReconnect ?? isWorthReconnecting
    this.#unwatchPage = onPageAwake(() => this.#wake())
  }

  /** Rooms may speak: the socket is open, whether the relay has said `welcome` yet or not. */
  get isOpen(): boolean {
    return this.#state === 'greeting' || this.#state === 'open'
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  /** ms since the relay was last heard, by the connection's clock. */
  get lastReceivedMs(): number {
    return this.#lastReceivedMs
  }

  /** Bytes that wait to leave this machine: a slow line is not a silent relay. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  /** Adds a room; its messages carry the channel that is returned. */
  attach(port: RoomPort): number {
    const channel = this.#nextChannel++
    this.#rooms.set(channel, port)
    return channel
  }

  /** A new channel for a room that joins again: what is still on its way on the old one is nobody's. */
  reattach(channel: number): number {
    const port = this.#rooms.get(channel)
    if (port === undefined) return channel
    this.#rooms.delete(channel)
    return this.attach(port)
  }

  detach(channel: number): void {
    this.#rooms.delete(channel)
  }

  /** `who` wants the socket open; it closes when nobody does. */
  want(who: object): void {
    this.#wanting.add(who)
    this.#step({ type: 'want' })
  }

  unwant(who: object): void {
    if (this.#wanting.delete(who) && this.#wanting.size === 0) this.#step({ type: 'unwant' })
  }

  /** Sends messages as one frame. What is sent while the socket is not open is dropped: a room joins anew at each opening. */
  send(messages: Up[]): void {
    if (this.isOpen) this.#socket?.send(bytesForSocket(encodeFrame(messages)))
  }

  /** Drops the socket and connects anew with back-off: the answer to a relay that broke the protocol. */
  reset(): void {
    if (this.#socket !== undefined) this.#closed(null)
  }

  /** A room did useful work: once the connection has lasted, the next failure waits the shortest time again. */
  worked(): void {
    this.#workedSinceMs ??= this.#clock.now()
  }

  override destroy(): void {
    this.#wanting.clear()
    this.#step({ type: 'unwant' })
    this.#unwatchPage()
    this.#rooms.clear()
    super.destroy()
  }

  #tell<Name extends keyof ConnectionEvents>(name: Name, ...args: Parameters<ConnectionEvents[Name]>): void {
    rethrowLater(() => this.emit(name, args))
  }

  #step(event: ConnectionEvent): void {
    const { state, effects } = transition(this.#state, event)
    this.#state = state
    for (const effect of effects) {
      switch (effect) {
        case 'open-socket':
          this.#openSocket()
          break
        case 'close-socket':
          this.#closeSocket()
          break
        case 'say-hello':
          this.#socket?.send(
            bytesForSocket(
              encodeFrame([
                { type: 'hello', minVersion: MIN_PROTOCOL_VERSION, maxVersion: PROTOCOL_VERSION, agent: 'y-sealed' },
              ]),
            ),
          )
          break
        case 'announce-open':
          for (const port of [...this.#rooms.values()]) port.onOpen()
          break
        case 'start-wait':
          // A listener of the close may have decided otherwise meanwhile.
          if (this.#state !== 'waiting') break
          this.#waitTimer = this.#clock.setTimeout(
            () => this.#step({ type: 'due' }),
            Math.max(backoffMs(this.#failures++, this.maxBackoffTime, Math.random), Math.random() * this.#adviceMs),
          )
          break
        case 'stop-wait':
          this.#clock.clearTimeout(this.#waitTimer)
          break
      }
    }
  }

  #openSocket(): void {
    const socket = new this.#WebSocket(this.url, this.#protocols)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    this.#lastReceivedMs = this.#clock.now()
    // Each handler looks whether the socket is still the one in use: a `ws` socket in CLOSING goes on delivering what it had buffered.
    socket.onopen = () => {
      if (socket === this.#socket) this.#step({ type: 'opened' })
    }
    socket.onmessage = (event: MessageEvent) => {
      if (socket === this.#socket) this.#received(event.data)
    }
    socket.onerror = (event: unknown) => {
      if (socket === this.#socket) this.#tell('connection-error', event)
    }
    socket.onclose = (event: CloseFacts) => {
      if (socket === this.#socket) this.#closed({ code: event.code, reason: event.reason })
    }
    this.#watchSilence()
    this.#tell('connecting')
  }

  #received(data: unknown): void {
    this.#lastReceivedMs = this.#clock.now()
    let messages: Down[]
    try {
      if (!(data instanceof ArrayBuffer)) throw new TypeError('a text frame')
      messages = parseDownFrame(new Uint8Array(data))
    } catch (error) {
      const what = error instanceof Error ? error.message : 'unknown'
      this.#broke(`the relay sent a frame that is not of the protocol: ${what}`)
      return
    }
    this.#dispatch(messages)
  }

  #dispatch(messages: Down[]): void {
    const byChannel = new Map<number, DownOfChannel[]>()
    for (const message of messages) {
      if (message.type === 'welcome') {
        if (message.version < MIN_PROTOCOL_VERSION || message.version > PROTOCOL_VERSION) {
          this.#broke(`the relay speaks version ${message.version} of the protocol, which was not offered`)
          return
        }
        // It is said once; later it means nothing.
        if (this.#state !== 'greeting') continue
        this.limits = message.limits
        this.#step({ type: 'welcomed' })
      } else if (message.type === 'incompatible') {
        const ours =
          MIN_PROTOCOL_VERSION === PROTOCOL_VERSION
            ? `${PROTOCOL_VERSION}`
            : `${MIN_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`
        const text = `the relay speaks version ${message.minVersion} to ${message.maxVersion} of the protocol, this app ${ours}`
        this.#tell('problem', new SealedError('update-required', text, 'version'))
        this.#closed({ code: closeReasons['update-required'].code, reason: 'update-required' })
        return
      } else if (this.#state === 'greeting') {
        // What it is to mean was not agreed on.
        this.#broke(`the relay said ${message.type} before welcome`)
        return
      } else if (message.type !== 'pong') {
        const list = byChannel.get(message.channel)
        if (list === undefined) byChannel.set(message.channel, [message])
        else list.push(message)
      }
    }
    // A room that has left may still be spoken to by what was on its way.
    for (const [channel, list] of byChannel) this.#rooms.get(channel)?.onMessages(list)
  }

  /** The relay broke the protocol: another connection is tried. */
  #broke(message: string): void {
    this.#tell('problem', new SealedError('relay-fault', message, 'frame'))
    this.#closed(null)
  }

  /** `event` is null when we closed: no word of the relay, so always tried again. */
  #closed(event: CloseFacts | null): void {
    const permanent = event !== null && !this.shouldReconnect(event)
    const lastedMs = this.#clock.now() - (this.#workedSinceMs ?? this.#clock.now())
    if (lastedMs >= CALM_MS) this.#failures = 0
    this.#workedSinceMs = undefined
    this.#adviceMs = (event && returnAdvice(event)) ?? 0
    this.#closeEvent = event
    this.#step({ type: 'closed', permanent })
    this.#closeEvent = null
    // Last, so that a listener may call connect() at once.
    if (permanent) this.#tell('closed', event)
  }

  #closeSocket(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#clock.clearTimeout(this.#silenceTimer)
    if (socket === undefined) return
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    // Swallowed, not detached: closing a socket that is still connecting is an error event, and in Node one without a listener is thrown.
    socket.onerror = () => {}
    socket.close()
    this.#tell('connection-close', this.#closeEvent)
    for (const port of [...this.#rooms.values()]) port.onClosed()
  }

  /** There may be a network again, and timers may have slept: what is due is done now. */
  #wake(): void {
    const isOpen = this.#socket !== undefined
    if (isOpen && this.#clock.now() - this.#lastReceivedMs >= SILENCE_IS_DEATH_MS) this.#closed(null)
    this.#step({ type: 'wake' })
  }

  #watchSilence(): void {
    this.#silenceTimer = this.#clock.setTimeout(() => {
      const silentMs = this.#clock.now() - this.#lastReceivedMs
      if (silentMs >= SILENCE_IS_DEATH_MS) {
        this.#closed(null)
        return
      }
      if (silentMs >= PING_AFTER_MS) this.send([{ type: 'ping', nonce: this.#lastReceivedMs % 2 ** 31 }])
      this.#watchSilence()
    }, PING_AFTER_MS)
  }
}

/** A frame is always a whole buffer of its own; the cast only says that it is no SharedArrayBuffer. */
const bytesForSocket = (frame: Uint8Array): Uint8Array<ArrayBuffer> => frame as Uint8Array<ArrayBuffer>
