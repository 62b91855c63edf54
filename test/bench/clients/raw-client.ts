import type { FrameSocket } from './frame-socket.ts'

/** One writer and reader who speaks a server's protocol and holds no document. */
export interface RawClient {
  readonly socket: FrameSocket
  /** Called with the number of keystrokes of others that a message brought. */
  onKeystrokes: (count: number) => void
  /** Called with the number of own keystrokes that the server has confirmed, whatever it means by that. */
  onConfirmed: (count: number) => void
  /** Types one character. */
  type(): void
  /** Sends an update of Yjs. */
  write(update: Uint8Array): void
  close(): void
}

/** Opens a client in a room and resolves when it may type and hears the others. */
export type OpenRawClient = (url: string, room: string, clientId: number) => Promise<RawClient>
