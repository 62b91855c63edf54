import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const TEXT = 0x1
const BINARY = 0x2
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

/** Called with the bytes in which a message lies from `start` to `end`; they are the receiver's only during the call. */
export type OnMessage = (bytes: Buffer, start: number, end: number) => void

/**
 * The client's end of a WebSocket, as little of RFC 6455 as these servers need. It makes no object per message, so that load clients
 * cost less than the servers they measure. Masks with the key 0, which is a mask like any other.
 */
export class FrameSocket {
  onMessage: OnMessage = () => {}
  onClose: () => void = () => {}
  readonly #socket: Socket
  #isOpen = true
  #pieces: Buffer[] = []
  #piecesBytes = 0
  /** No message is complete with fewer bytes than these. */
  #needBytes = 2
  #downBytesBefore = 0
  #upBytesBefore = 0
  #isCorked = false

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static open(url: string): Promise<FrameSocket> {
    const { hostname, port, pathname, search } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const head = [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    return new Promise((resolve, reject) => {
      let answer = Buffer.alloc(0)
      const onData = (chunk: Buffer): void => {
        answer = Buffer.concat([answer, chunk])
        const end = answer.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!answer.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
          socket.destroy()
          reject(new Error(`${url} refused: ${answer.toString('latin1', 0, end)}`))
          return
        }
        socket.off('data', onData)
        socket.off('error', reject)
        const opened = new FrameSocket(socket)
        opened.#begin(answer.subarray(end + 4))
        resolve(opened)
      }
      socket.on('data', onData)
      socket.once('error', reject)
    })
  }

  /** Bytes of frames, heads included, without the handshake. */
  get downBytes(): number {
    return this.#socket.bytesRead - this.#downBytesBefore
  }

  get upBytes(): number {
    return this.#socket.bytesWritten - this.#upBytesBefore
  }

  send(message: Uint8Array | string): void {
    if (!this.#isOpen) return
    const isText = typeof message === 'string'
    this.#write(isText ? TEXT : BINARY, isText ? Buffer.from(message) : message)
  }

  close(): void {
    this.#isOpen = false
    this.#socket.destroy()
  }

  #begin(rest: Buffer): void {
    this.#downBytesBefore = this.#socket.bytesRead - rest.length
    this.#upBytesBefore = this.#socket.bytesWritten
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      const wasOpen = this.#isOpen
      this.#isOpen = false
      if (wasOpen) this.onClose()
    })
    // After whoever opened it has said where messages go.
    if (rest.length > 0) setImmediate(() => this.#take(rest))
  }

  #write(opcode: number, body: Uint8Array): void {
    const { length } = body
    const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
    const head = 2 + lengthBytes + 4
    const frame = Buffer.allocUnsafe(head + length)
    frame[0] = 0x80 | opcode
    frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
    if (lengthBytes === 2) frame.writeUInt16BE(length, 2)
    if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2)
    frame.fill(0, head - 4, head)
    frame.set(body, head)
    // What is said in one turn leaves with one system call: these clients must not be the bottleneck.
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(frame)
  }

  #take(chunk: Buffer): void {
    let bytes = chunk
    if (this.#piecesBytes > 0) {
      this.#pieces.push(chunk)
      this.#piecesBytes += chunk.length
      // Joined only when it pays: a message of megabytes arrives in hundreds of pieces.
      if (this.#piecesBytes < this.#needBytes) return
      bytes = Buffer.concat(this.#pieces, this.#piecesBytes)
    }
    const taken = this.#parse(bytes)
    this.#pieces = taken === bytes.length ? [] : [bytes.subarray(taken)]
    this.#piecesBytes = bytes.length - taken
  }

  /** Hands over every whole message; returns how many bytes they were. */
  #parse(bytes: Buffer): number {
    let at = 0
    while (this.#isOpen) {
      const left = bytes.length - at
      this.#needBytes = 2
      if (left < 2) return at
      const second = bytes[at + 1]! & 0x7f
      const head = second < 126 ? 2 : second === 126 ? 4 : 10
      this.#needBytes = head
      if (left < head) return at
      const length =
        second < 126
          ? second
          : second === 126
            ? bytes.readUInt16BE(at + 2)
            : bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
      this.#needBytes = head + length
      if (left < head + length) return at
      const start = at + head
      at = start + length
      this.#message(bytes[start - head]!, bytes, start, at)
    }
    return bytes.length
  }

  #message(first: number, bytes: Buffer, start: number, end: number): void {
    const opcode = first & 0x0f
    if (opcode === BINARY || opcode === TEXT) {
      if ((first & 0x80) === 0) throw new Error('a message in fragments: none of these servers sends them')
      this.onMessage(bytes, start, end)
    } else if (opcode === PING) {
      this.#write(PONG, bytes.subarray(start, end))
    } else if (opcode === CLOSE) {
      this.#socket.end()
    }
  }
}
