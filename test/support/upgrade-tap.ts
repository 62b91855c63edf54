import type { Socket } from 'node:net'
import { startFront } from './front.ts'

const END_OF_HEAD = '\r\n\r\n'

/** Stands before a relay and notes what HTTP says before a connection becomes a WebSocket; what follows passes untouched. */
export interface UpgradeTap {
  /** `ws://127.0.0.1:port` */
  readonly url: string
  /** What clients asked, first line and headers. */
  readonly requests: string[]
  /** What the relay answered. */
  readonly answers: string[]
  close(): void
}

export async function startUpgradeTap(relayUrl: string): Promise<UpgradeTap> {
  const requests: string[] = []
  const answers: string[] = []
  const { url, close } = await startFront(relayUrl, (client, relay) => {
    noteHead(client, requests)
    noteHead(relay, answers)
  })
  return { url, requests, answers, close }
}

function noteHead(socket: Socket, heads: string[]): void {
  let head = ''
  const note = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    const end = head.indexOf(END_OF_HEAD)
    if (end < 0) return
    socket.off('data', note)
    heads.push(head.slice(0, end))
  }
  socket.on('data', note)
}

/** Lower case, in the order in which they were sent. */
export function headerNames(head: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
}
