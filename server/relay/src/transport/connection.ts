import type { Socket } from 'node:net'
import type { CloseReason } from '@y-sealed/protocol'
import { closeReasons, MAX_REASON_BYTES } from '@y-sealed/protocol'
import type { WebSocket } from 'ws'
import type { SocketBytes } from '../telemetry/traffic.ts'
import type { Turn } from './turn.ts'

/** One client's socket as rooms and sessions see it. */
export interface Connection {
  /** The client's, as the socket knows it or a trusted proxy says. */
  readonly address: string
  /** Bytes given to `send` that the network has not taken yet. */
  readonly backlogBytes: number
  readonly isOpen: boolean
  /** Bytes that the client has sent of its own accord: all but answers to our pings, which a frozen tab gives too. */
  readonly bytesHeard: number
  /** Gives a frame to the client, at the end of the turn and together with what else it gets by then. */
  send(frame: Uint8Array): void
  /** Resolves once the network has taken everything, or the connection has ended. */
  drained(): Promise<void>
  /** Carries out one task after the other: pieces of the log that all channels read at once would be more than the backlog. */
  oneByOne(task: () => Promise<void>): Promise<void>
  /** Ends it with a close code; `sentence` replaces the code's usual meaning. */
  close(reason: CloseReason, sentence?: string): void
}

// Frames are joined up to this size: below, a system call costs more than the copy.
const JOIN_BYTES = 64 * 1024

// RFC 6455 §5.2: two bytes and a mask.
const PONG_HEAD_BYTES = 6

// One for all: what waits for nothing needs none of its own.
const NOTHING = Promise.resolve()

export interface ConnectionLimits {
  maxBacklogBytes: number
}

/** A Connection over a `ws` socket. */
export class WsConnection implements Connection {
  readonly address: string
  readonly #socket: WebSocket
  readonly #raw: Socket
  readonly #turn: Turn
  readonly #limits: ConnectionLimits
  #frames: Uint8Array[] = []
  #frameBytes = 0
  #waiting: (() => void)[] = []
  #lastTask: Promise<void> = NOTHING
  #bytesRead = 0
  #bytesTaken = 0
  #silentSweeps = 0
  #pongBytes = 0

  constructor(socket: WebSocket, raw: Socket, address: string, turn: Turn, limits: ConnectionLimits) {
    this.address = address
    this.#socket = socket
    this.#raw = raw
    this.#turn = turn
    this.#limits = limits
    raw.on('drain', () => this.#wake())
    socket.on('pong', (content) => {
      this.#pongBytes += PONG_HEAD_BYTES + content.length
    })
    socket.on('close', () => this.#wake())
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount + this.#frameBytes
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen) return
    this.#frames.push(frame)
    this.#frameBytes += frame.length
    this.#turn.flush(this)
  }

  get bytesHeard(): number {
    return this.#raw.bytesRead - this.#pongBytes
  }

  /** On the line so far, both ways. */
  get socketBytes(): SocketBytes {
    const { bytesRead, bytesWritten } = this.#raw
    return { received: bytesRead, sent: bytesWritten }
  }

  /** Sends what has gathered. Frames are sequences of messages, so two of them joined are a frame. */
  flush(): void {
    const frames = this.#frames
    this.#frames = []
    this.#frameBytes = 0
    if (!this.isOpen) return
    let group: Uint8Array[] = []
    let groupBytes = 0
    for (const frame of frames) {
      if (group.length > 0 && groupBytes + frame.length > JOIN_BYTES) {
        this.#write(group)
        group = []
        groupBytes = 0
      }
      group.push(frame)
      groupBytes += frame.length
    }
    if (group.length > 0) this.#write(group)
    // Closed, not cut: what was acked has been said, and the client catches up when it comes back.
    if (this.#socket.bufferedAmount > this.#limits.maxBacklogBytes) this.#end(closeReasons.overload)
  }

  async drained(): Promise<void> {
    this.flush()
    // Closing, with bytes that nobody will take: who waits for them must not be told at once, or it asks for ever.
    if (!this.isOpen) return this.closed()
    // A socket that is destroyed needs no drain any more, yet is open until its `close`.
    if (!(this.#raw.writableNeedDrain || this.#raw.destroyed)) return
    await this.#woken()
  }

  /** Resolves when the socket is gone. */
  async closed(): Promise<void> {
    while (this.#socket.readyState !== this.#socket.CLOSED) await this.#woken()
  }

  oneByOne(task: () => Promise<void>): Promise<void> {
    const done = this.#lastTask.then(task)
    this.#lastTask = done.catch(() => {})
    return done
  }

  close(reason: CloseReason, sentence?: string): void {
    this.flush()
    this.#end(reason, sentence)
  }

  /** Ends it without a word. */
  terminate(): void {
    this.#socket.terminate()
  }

  /** Called at even intervals: asks a client that was silent since the last one for a sign of life, then gives it up. */
  sweep(): void {
    const { bytesRead, bytesWritten, writableLength } = this.#raw
    const bytesTaken = bytesWritten - writableLength
    // A slow reader of a large document is alive while the network takes bytes; where none wait, it only takes our pings.
    const isAlive = bytesRead > this.#bytesRead || (writableLength > 0 && bytesTaken > this.#bytesTaken)
    this.#bytesRead = bytesRead
    this.#bytesTaken = bytesTaken
    this.#silentSweeps = isAlive ? 0 : this.#silentSweeps + 1
    if (this.#silentSweeps > 1) this.terminate()
    else if (this.#silentSweeps === 1 && this.isOpen) this.#socket.ping()
  }

  #end(reason: CloseReason, sentence: string = reason.meaning): void {
    if (this.isOpen) this.#socket.close(reason.code, shortened(sentence))
  }

  #write(group: Uint8Array[]): void {
    // A single frame goes out as it is: the same bytes for every receiver of a room.
    this.#socket.send(group.length === 1 ? group[0]! : Buffer.concat(group))
  }

  /** Resolves when the network has taken everything, and when the socket is gone. */
  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function shortened(sentence: string): string {
  const bytes = Buffer.from(sentence)
  if (bytes.length <= MAX_REASON_BYTES) return sentence
  // A cut may fall within a character; what is left of it goes too.
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES)).replace(/\uFFFD+$/, '')
}
