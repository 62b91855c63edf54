import type { AddressInfo } from 'node:net'
import { DEFAULT_LIMITS, type Down, encodeFrame, type Limits, parseUpFrame, type Up } from '@y-sealed/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import { Room } from './room.ts'
import { Session } from './session.ts'

/** What the relay does otherwise than an honest one. */
export interface Script {
  /** What a member has said, before it is answered: returned is what the relay takes notice of. */
  readonly up?: (message: Up, session: Session | undefined) => readonly Up[]
  /** What is about to be said to a member: returned is what is said, in this order. */
  readonly down?: (message: Down, session: Session) => readonly Down[]
}

/**
 * A relay in the hands of whoever writes a test: real sockets, the real wire, a store of its own. Without a script, and while everybody is shown the
 * same history, it is honest, so that each attack is told by what it does otherwise. Members are told apart by their token.
 */
export class HostileRelay {
  readonly url: string
  /** What its `welcome` says; bytes: sent in place of any. */
  welcome: { readonly version: number; readonly limits: Limits } | Uint8Array = { version: 1, limits: DEFAULT_LIMITS }
  script: Script = {}
  /** Every HTTP request line and header with which a socket was opened. */
  readonly upgrades: string[] = []
  readonly #server: WebSocketServer
  readonly #rooms = new Map<string, Room>()
  readonly #sockets = new Map<WebSocket, Map<number, Session>>()
  #sessions = 0

  private constructor(server: WebSocketServer) {
    this.#server = server
    // A server that listens on TCP has an AddressInfo.
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (socket, request) => {
      this.upgrades.push(`${request.url}\n${request.rawHeaders.join('\n')}`)
      this.#serve(socket)
    })
  }

  static async start(): Promise<HostileRelay> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    await new Promise((resolve) => server.once('listening', resolve))
    return new HostileRelay(server)
  }

  room(name = 'room'): Room {
    const room = this.#rooms.get(name) ?? new Room()
    this.#rooms.set(name, room)
    return room
  }

  /** The newest session of a member. */
  session(member: string, room = 'room'): Session {
    const session = this.room(room).of(member).at(-1)
    if (session === undefined) throw new Error(`${member} is not in ${room}`)
    return session
  }

  /** From here on it answers as every relay should. */
  becomeHonest(): void {
    this.script = {}
    this.welcome = { version: 1, limits: DEFAULT_LIMITS }
  }

  /** Breaks every connection on which one of these members has joined; without a name, all. */
  cut(member?: string): void {
    for (const [socket, sessions] of this.#sockets) {
      if (member === undefined || [...sessions.values()].some((session) => session.member === member))
        socket.terminate()
    }
  }

  /** Bytes that no relay would say, to everybody who is connected. */
  blurt(bytes: Uint8Array | string): void {
    for (const socket of this.#sockets.keys()) socket.send(bytes)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: WebSocket): void {
    const sessions = new Map<number, Session>()
    this.#sockets.set(socket, sessions)
    socket.on('message', (frame: Buffer) => {
      for (const message of parseUpFrame(frame)) this.#receive(socket, sessions, message)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      for (const session of sessions.values()) session.room.leave(session)
    })
  }

  #receive(socket: WebSocket, sessions: Map<number, Session>, said: Up): void {
    if (said.type === 'hello') {
      const { welcome } = this
      socket.send(welcome instanceof Uint8Array ? welcome : encodeFrame([{ type: 'welcome', ...welcome }]))
      return
    }
    const session = 'channel' in said ? sessions.get(said.channel) : undefined
    for (const message of this.script.up?.(said, session) ?? [said]) {
      if (message.type === 'join') this.#join(socket, sessions, message)
      else if (message.type === 'ping') send(socket, [{ type: 'pong', nonce: message.nonce }])
      else if (message.type === 'leave') this.#leave(sessions, message.channel)
      else if ('channel' in message) sessions.get(message.channel)?.receive(message)
    }
  }

  #join(socket: WebSocket, sessions: Map<number, Session>, join: Extract<Up, { type: 'join' }>): void {
    const room = this.room(join.room)
    // The first words are said while the session is being made: they are kept until it is there for the script to see.
    const early: Down[] = []
    let session: Session | undefined
    const say = (messages: readonly Down[]): void => {
      if (session === undefined) early.push(...messages)
      else this.#say(socket, session, messages)
    }
    session = new Session(room, join, ++this.#sessions, say)
    sessions.set(join.channel, session)
    room.sessions.add(session)
    say(early)
  }

  #say(socket: WebSocket, session: Session, messages: readonly Down[]): void {
    const { down } = this.script
    const said = down === undefined ? messages : messages.flatMap((message) => down(message, session))
    for (const message of said) send(socket, [message])
  }

  #leave(sessions: Map<number, Session>, channel: number): void {
    const session = sessions.get(channel)
    sessions.delete(channel)
    session?.room.leave(session)
  }
}

function send(socket: WebSocket, messages: readonly Down[]): void {
  if (socket.readyState === socket.OPEN) socket.send(encodeFrame(messages))
}
