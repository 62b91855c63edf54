import { WebSocket } from 'ws'

const MASK_BYTES = 4

/** Bytes of frames, heads and masks included, of every socket of one class. */
export interface Meter {
  upBytes: number
  downBytes: number
  messagesUp: number
}

/** As browsers have it. */
export type WebSocketClass = new (address: string | URL, protocols?: string | string[]) => WebSocket

/** A WebSocket class whose sockets count what they carry. */
export function meteredWebSocket(): { Metered: WebSocketClass; meter: Meter } {
  const meter: Meter = { upBytes: 0, downBytes: 0, messagesUp: 0 }
  class Metered extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols)
      this.on('message', (message: Buffer | ArrayBuffer) => {
        meter.downBytes += frameBytes(message.byteLength)
      })
    }

    // The overloads of `send` differ only in what follows the message.
    override send(message: Parameters<WebSocket['send']>[0], ...rest: unknown[]): void {
      const length = typeof message === 'string' ? Buffer.byteLength(message) : (message as Uint8Array).byteLength
      meter.upBytes += frameBytes(length) + MASK_BYTES
      meter.messagesUp++
      super.send(message, ...(rest as []))
    }
  }
  return { Metered, meter }
}

/** RFC 6455 §5.2. */
function frameBytes(length: number): number {
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10)
}
