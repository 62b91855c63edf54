import {
  DEFAULT_LIMITS,
  type Down,
  encodeFrame,
  type Fetch,
  type Join,
  MAX_FRAME_ENVELOPE_BYTES,
  PROTOCOL_VERSION,
  parseUpFrame,
  type RefusalCode,
  type Up,
} from '@y-sealed/protocol'
import type { WebSocketConstructor, WebSocketLike } from 'y-sealed'
import { parseRecord } from './record.ts'
import type { SealedLog } from './sealed-log.ts'

const NO_HASH = new Uint8Array(0)

/**
 * A WebSocket behind which stands a sealed log in place of a relay: who joins may read it, and nothing else. So a document is opened from a file by the same code, and
 * under the same doubts, as from a relay.
 */
export function replaySocketOf(log: SealedLog): WebSocketConstructor {
  return class ReplaySocket implements WebSocketLike {
    binaryType = 'arraybuffer'
    readonly readyState = 1
    readonly bufferedAmount = 0
    onopen: ((event: never) => void) | null = null
    onmessage: ((event: never) => void) | null = null
    onclose: ((event: never) => void) | null = null
    onerror: ((event: never) => void) | null = null

    constructor() {
      // The event types are the platform's; only `data` of a message is ever read.
      setImmediate(() => this.onopen?.({} as never))
    }

    send(bytes: Uint8Array<ArrayBuffer>): void {
      for (const up of parseUpFrame(bytes)) {
        for (const down of answersTo(log, up)) {
          // A socket's data is all of its buffer, which a frame need not be.
          const { buffer } = encodeFrame([down]).slice()
          setImmediate(() => this.onmessage?.({ data: buffer } as never))
        }
      }
    }

    close(): void {}
  }
}

function* answersTo(log: SealedLog, up: Up): Generator<Down> {
  switch (up.type) {
    case 'hello':
      yield { type: 'welcome', version: PROTOCOL_VERSION, limits: DEFAULT_LIMITS }
      break
    case 'ping':
      yield { type: 'pong', nonce: up.nonce }
      break
    case 'join':
      yield* joinAnswers(log, up)
      break
    case 'read':
      yield* readAnswers(log, up.channel, up.request, up.after, up.to || log.joined.sequence)
      break
    case 'fetch': {
      const chunks = log.checkpoint(up.checkpoint)
      if (chunks === undefined) yield refused(up, 'unknown')
      else yield* checkpointAnswers(chunks, up)
      break
    }
    case 'checkpoints': {
      const places = log.places(up.record)
      if (places === undefined) yield refused(up, 'unknown')
      else yield { type: 'checkpoints', channel: up.channel, request: up.request, places: [...places] }
      break
    }
    default:
      if ('request' in up) yield refused(up, 'write-denied')
  }
}

function* joinAnswers(log: SealedLog, { channel }: Join): Generator<Down> {
  const { joined, records, after } = log
  const pages = pagesOf(records)
  const last = pages.pop() ?? []
  for (const page of pages) yield { type: 'records', channel, records: page }
  yield { ...joined, channel, role: 'read', confirmed: true, pruned: after, records: last }
  const head = records.at(-1)
  const start = head === undefined ? 0 : parseRecord(head).prevSequence
  yield* readAnswers(log, channel, 0, Math.max(joined.newest?.sequence ?? 0, start), joined.sequence)
}

function* readAnswers(log: SealedLog, channel: number, request: number, after: number, to: number): Generator<Down> {
  if (after < log.after) {
    yield refused({ channel, request }, 'pruned')
    return
  }
  const through = Math.min(to, log.through)
  for (const run of log.entries(after, through)) yield { type: 'entries', channel, ...run }
  // Where the log itself ends its hash is known; elsewhere nobody asks for it.
  const hash = through === log.joined.sequence ? log.joined.hash : NO_HASH
  yield { type: 'caught-up', channel, request, sequence: through, hash }
}

function* checkpointAnswers(chunks: readonly Uint8Array[], { channel, request, first, last }: Fetch): Generator<Down> {
  const end = last === 0 ? chunks.length : Math.min(last, chunks.length)
  let next = first
  for (const page of pagesOf(chunks.slice(first - 1, end))) {
    yield { type: 'checkpoint', channel, request, first: next, total: chunks.length, chunks: page }
    next += page.length
  }
}

/** As much as one frame carries. */
function pagesOf(items: readonly Uint8Array[]): Uint8Array[][] {
  const pages: Uint8Array[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    bytes += item.length
    if (bytes > MAX_FRAME_ENVELOPE_BYTES) {
      pages.push([])
      bytes = item.length
    }
    pages.at(-1)?.push(item)
  }
  return pages
}

function refused({ channel, request }: { channel: number; request: number }, code: RefusalCode): Down {
  return { type: 'refused', channel, request, code, detail: 'this is a file' }
}
