import { type Down, encodeFrame, parseDownFrame, parseUpFrame, type Up } from '@y-sealed/protocol'
import type { WebSocketConstructor, WebSocketLike } from 'y-sealed'

/** What a hostile relay does otherwise than the real one, message by message. */
export interface Lie {
  /** What the relay has said; returned is what the editor hears. */
  down(message: Down): readonly Down[]
  /** What the editor says; false: the relay never heard it. */
  hears(message: Up): boolean
}

/** Stands between the editor and the real relay. Nothing in y-sealed knows of it: it is given as `WebSocketPolyfill`. */
export interface Liar {
  readonly WebSocket: WebSocketConstructor
  /** Without one, and at first, it is honest: bytes pass as they came. */
  lie: Lie | undefined
  /** Breaks the connection, as networks do. */
  cut(): void
}

export function createLiar(): Liar {
  const sockets = new Set<LyingSocket>()
  const liar: Liar = {
    lie: undefined,
    cut: () => {
      for (const socket of sockets) socket.close()
    },
    WebSocket: class extends LyingSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols, () => liar.lie)
        sockets.add(this)
        this.ended = () => sockets.delete(this)
      }
    },
  }
  return liar
}

class LyingSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  ended: () => void = () => {}
  readonly #real: WebSocket
  readonly #lie: () => Lie | undefined

  constructor(url: string, protocols: string[] | undefined, lie: () => Lie | undefined) {
    this.#lie = lie
    this.#real = new WebSocket(url, protocols)
    this.#real.onopen = (event) => this.onopen?.(event as never) // the listener takes what a WebSocket gives
    this.#real.onerror = (event) => this.onerror?.(event as never)
    this.#real.onclose = (event) => {
      this.ended()
      this.onclose?.(event as never)
    }
    this.#real.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const told = this.#lie()
      const heard = told === undefined ? data : retell(told, new Uint8Array(data))
      if (heard !== undefined) this.onmessage?.({ data: heard } as never)
    }
  }

  get binaryType(): string {
    return this.#real.binaryType
  }

  set binaryType(_type: string) {
    // Frames are told again as bytes: never as a Blob.
    this.#real.binaryType = 'arraybuffer'
  }

  get readyState(): number {
    return this.#real.readyState
  }

  get bufferedAmount(): number {
    return this.#real.bufferedAmount
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    const lie = this.#lie()
    if (lie === undefined) this.#real.send(bytes)
    else {
      const heard = parseUpFrame(bytes).filter((message) => lie.hears(message))
      if (heard.length > 0) this.#real.send(encodeFrame(heard).slice())
    }
  }

  close(code?: number, reason?: string): void {
    this.#real.close(code, reason)
  }
}

function retell(lie: Lie, frame: Uint8Array): ArrayBuffer | undefined {
  const told = parseDownFrame(frame).flatMap((message) => lie.down(message))
  // A copy of its own length: the encoder's buffer may be longer.
  return told.length === 0 ? undefined : encodeFrame(told).slice().buffer
}
