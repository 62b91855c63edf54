import { type Down, parseDownFrame, parseUpFrame, type Up } from '@y-sealed/protocol'

/** `up`: client to relay. */
export type Direction = 'up' | 'down'

export interface Frame {
  readonly connection: number
  readonly direction: Direction
  readonly bytes: Uint8Array
}

export interface SealedBytes {
  readonly room: string
  readonly direction: Direction
  readonly envelope: Uint8Array
  /** Stored in the log, not merely forwarded. */
  readonly stored: boolean
}

/** All that went over the wire, as a relay or a network sees it. */
export class Capture {
  readonly frames: Frame[] = []
  private connections = 0
  private readonly rooms = new Map<string, string>()
  private readonly listeners = new Set<(sealed: SealedBytes) => void>()

  nextConnection(): number {
    return this.connections++
  }

  /** Called with every envelope of every frame, both ways, as it passes. */
  onEnvelope(listener: (sealed: SealedBytes) => void): void {
    this.listeners.add(listener)
  }

  record(connection: number, direction: Direction, bytes: Uint8Array): void {
    // Copied: a socket may reuse its buffer, and what is searched later must be what was sent.
    this.frames.push({ connection, direction, bytes: bytes.slice() })
    for (const message of parseLeniently(direction, bytes)) this.announce(connection, direction, message)
  }

  /** The bytes of all frames one way. */
  bytes(direction: Direction): number {
    return this.frames.reduce((sum, frame) => sum + (frame.direction === direction ? frame.bytes.length : 0), 0)
  }

  messages(direction: 'up', connection?: number): Up[]
  messages(direction: 'down', connection?: number): Down[]
  messages(direction: Direction, connection?: number): (Up | Down)[] {
    return this.frames
      .filter((frame) => frame.direction === direction && (connection ?? frame.connection) === frame.connection)
      .flatMap((frame) => parseLeniently(direction, frame.bytes))
  }

  private announce(connection: number, direction: Direction, message: Up | Down): void {
    if (!('channel' in message)) return
    const channel = `${connection}/${message.channel}`
    if (message.type === 'join') this.rooms.set(channel, message.room)
    const room = this.rooms.get(channel) ?? ''
    for (const { envelope, stored } of envelopesOf(message)) {
      for (const listener of this.listeners) listener({ room, direction, envelope, stored })
    }
  }
}

function envelopesOf(message: Up | Down): { envelope: Uint8Array; stored: boolean }[] {
  if (message.type === 'awareness') return [{ envelope: message.envelope, stored: false }]
  if (message.type === 'checkpoint') return message.chunks.map((envelope) => ({ envelope, stored: true }))
  if (message.type === 'entries') return message.entries.map(({ envelope }) => ({ envelope, stored: true }))
  if (message.type === 'stage' || message.type === 'append' || message.type === 'open') {
    return message.envelopes.map(({ envelope }) => ({ envelope, stored: true }))
  }
  return []
}

/** Frames that do not parse are searched for canaries all the same; a test that sends garbage does so on purpose. */
export function parseLeniently(direction: Direction, bytes: Uint8Array): (Up | Down)[] {
  try {
    return direction === 'up' ? parseUpFrame(bytes) : parseDownFrame(bytes)
  } catch {
    return []
  }
}
