import { setTimeout as after } from 'node:timers/promises'
import { answerCalls } from '../processes/answer-calls.ts'
import type { ServerKind } from '../servers/server-kind.ts'
import { fragmentedDocument } from './fragmented-document.ts'
import { LoadRooms } from './load-rooms.ts'
import { type PaceInput, pace } from './pace.ts'
import { openRawClient } from './protocols/open-raw-client.ts'
import { openSealedClient } from './protocols/y-sealed.ts'
import type { RawClient } from './raw-client.ts'
import { type SaturateInput, saturate } from './saturate.ts'

export interface ConnectInput {
  readonly kind: ServerKind
  readonly url: string
  /** Names of the rooms that this process fills. */
  readonly rooms: readonly string[]
  readonly clientsPerRoom: number
  /** y-sealed only: real envelopes, which members can open. */
  readonly sealsReally?: boolean
}

// Five bytes as a varint, as Yjs' random ids are.
const FIRST_CLIENT_ID = 2 ** 30
// Sockets that are opened at once: more than any server's backlog of new connections would be refused.
const OPENED_AT_ONCE = 50

// All at once, what a server needs for a moment would look like what it keeps.
const BETWEEN_DOCUMENTS_MS = 10

let clients: RawClient[][] = []
let rooms: LoadRooms | undefined
let heard = 0

// A load client's process: as many raw clients as asked for, and what is measured with them.
answerCalls({
  async connect({ kind, url, rooms: names, clientsPerRoom, sealsReally = false }: ConnectInput): Promise<void> {
    let lastClientId = FIRST_CLIENT_ID + (process.pid % 1_000) * 100_000
    const open = (room: string): Promise<RawClient> =>
      sealsReally
        ? openSealedClient(url, room, ++lastClientId, 'really')
        : openRawClient[kind](url, room, ++lastClientId)
    // The first of each room alone: it may have an epoch to open.
    const firsts = await batched(names, open)
    clients = firsts.map((first) => [first])
    const rest = names.flatMap((name, index) => Array.from({ length: clientsPerRoom - 1 }, () => ({ name, index })))
    await batched(rest, async ({ name, index }) => {
      clients[index]?.push(await open(name))
    })
    for (const client of clients.flat()) client.socket.onClose = lost
  },
  saturate(input: SaturateInput) {
    rooms ??= new LoadRooms(clients)
    return saturate(rooms, input)
  },
  pace(input: PaceInput) {
    const [writer, ...readers] = clients[0] ?? []
    if (writer === undefined) throw new Error('nobody has connected')
    return pace(writer, readers, input)
  },
  /** One client after the other sends one document of that size. */
  async writeDocuments(bytes: number): Promise<void> {
    const update = fragmentedDocument(bytes)
    for (const client of clients.flat()) {
      client.write(update)
      await after(BETWEEN_DOCUMENTS_MS)
    }
  },
  /** The first client types, without waiting for anything but its confirmations. */
  async typeBlindly(keystrokes: number): Promise<void> {
    const [writer] = clients[0] ?? []
    if (writer === undefined) throw new Error('nobody has connected')
    let confirmed = 0
    await new Promise<void>((resolve) => {
      writer.onConfirmed = (count) => {
        confirmed += count
        if (confirmed === keystrokes) resolve()
      }
      for (let k = 0; k < keystrokes; k++) writer.type()
    })
  },
  /** Begins to count what the first client hears. */
  listen(): void {
    heard = 0
    const [listener] = clients[0] ?? []
    if (listener === undefined) throw new Error('nobody has connected')
    listener.onKeystrokes = (count) => {
      heard += count
    }
  },
  heard: () => heard,
})

/** A run with fewer clients than asked for would be another run. */
function lost(): void {
  console.error('the server closed a connection')
  process.exit(1)
}

async function batched<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += OPENED_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + OPENED_AT_ONCE).map(act))))
  }
  return results
}
