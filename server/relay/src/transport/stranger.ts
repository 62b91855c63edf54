import type { Socket } from 'node:net'
import { type CloseReason, closeReasons } from '@y-sealed/protocol'
import type { Clock } from '../clock.ts'
import type { HeldBytes } from '../session/held-bytes.ts'

export interface StrangerLimits {
  helloMs: number
  strangerMs: number
  strangerBytes: number
  strangerMessages: number
}

export interface StrangerOptions {
  clock: Clock
  limits: StrangerLimits
  socket: Socket
  /** What all strangers together may have sent. */
  bytesOfAll: HeldBytes
  connection: {
    /** Ends it with a word. */
    close(reason: CloseReason): void
    /** Ends it without one: the rest of what it sends is not waited for. */
    terminate(): void
  }
}

/** A connection until its first join was allowed: it may cost little time, few bytes and few messages. */
export class Stranger {
  readonly #options: StrangerOptions
  readonly #helloTimer: unknown
  readonly #joinTimer: unknown
  readonly #count = (chunk: Buffer): void => this.#heardBytes(chunk.length)
  #bytes = 0
  #messages = 0
  #isKnown = false

  constructor(options: StrangerOptions) {
    this.#options = options
    const { clock, limits, socket, connection } = options
    const close = () => connection.close(closeReasons.timeout)
    this.#helloTimer = clock.setTimeout(close, limits.helloMs)
    this.#joinTimer = clock.setTimeout(close, limits.strangerMs)
    // Counted on the socket: a frame that is never finished is no message, but memory.
    socket.on('data', this.#count)
  }

  saidHello(): void {
    this.#options.clock.clearTimeout(this.#helloTimer)
  }

  /** Whether one more message may be looked at. */
  heardMessage(): boolean {
    if (this.#isKnown || ++this.#messages <= this.#options.limits.strangerMessages) return true
    this.#options.connection.close(closeReasons.limit)
    return false
  }

  /** A join was allowed, or the connection is gone. */
  end(): void {
    if (this.#isKnown) return
    this.#isKnown = true
    const { clock, socket, bytesOfAll } = this.#options
    clock.clearTimeout(this.#helloTimer)
    clock.clearTimeout(this.#joinTimer)
    socket.off('data', this.#count)
    bytesOfAll.release(this.#bytes)
  }

  #heardBytes(bytes: number): void {
    const { limits, bytesOfAll, connection } = this.#options
    if (this.#isKnown) return
    const isTooMany = this.#bytes + bytes > limits.strangerBytes
    if (!isTooMany && bytesOfAll.take(bytes)) {
      this.#bytes += bytes
      return
    }
    // Where there are too many of them, this one may come back.
    if (!isTooMany) connection.close(closeReasons.overload)
    connection.terminate()
  }
}
