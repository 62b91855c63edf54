import {
  type CheckpointsUp,
  encodeFrame,
  type Fetch,
  hashPrefix,
  MAX_CHECKPOINT_CHUNKS,
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_ENVELOPE_BYTES,
  type Read,
  type RefusalCode,
} from '@y-sealed/protocol'
import type { LogStore } from '../log/log-store.ts'
import { runThrough } from '../log/run-chain.ts'
import { groupRuns, partOf } from '../room/batch.ts'
import type { Connection } from '../transport/connection.ts'
import { refusalFor } from './refusal.ts'
import { SerialQueue } from './serial-queue.ts'

// A store stops after the chunk that reaches the bytes asked for.
const MAX_CHUNK_READ_BYTES = MAX_FRAME_ENVELOPE_BYTES - MAX_ENVELOPE_BYTES

const NO_HASH = new Uint8Array(0)

export interface SideReadsOptions {
  store: LogStore
  room: string
  connection: Connection
  channel: number
  /** How much is read and sent at once, and the unsent bytes from which on a read waits for the client. */
  catchUpBytes: number
  maxWaiting: number
  /** The store cannot be read: the session cannot go on. */
  onFailure(error: unknown): void
}

/**
 * What a session reads beside its place in the log: stretches of it, and checkpoints. One after the other, at the client's
 * pace, and neither its live entries nor its appends wait for them.
 */
export class SideReads {
  readonly #from: SideReadsOptions
  readonly #queue: SerialQueue
  #ended = false

  constructor(from: SideReadsOptions) {
    this.#from = from
    this.#queue = new SerialQueue(from.maxWaiting, (error) => {
      if (!this.#ended) from.onFailure(error)
    })
  }

  /** Whether it was taken; too many wait otherwise. */
  add(message: Read | Fetch | CheckpointsUp): boolean {
    return this.#queue.add(() => this.#answer(message))
  }

  end(): void {
    this.#ended = true
  }

  async #answer(message: Read | Fetch | CheckpointsUp): Promise<void> {
    if (message.type === 'read') await this.#read(message)
    else if (message.type === 'fetch') await this.#fetch(message)
    else await this.#list(message)
  }

  async #read({ request, after, to }: Read): Promise<void> {
    const { store, room, connection, channel, catchUpBytes } = this.#from
    const { sequence: head } = await store.head(room)
    const last = Math.min(to, head)
    let next = after + 1
    if (!(await store.isWhole(room, after, last))) {
      this.#refusePruned(request)
      return
    }
    while (next <= last && (await this.#isReady())) {
      const runs = await store.read(room, next - 1, catchUpBytes)
      // The client may already use the channel's number for another room.
      if (this.#ended) return
      // Meanwhile, after others were sent.
      if (runs[0]?.first !== next && !(await store.isWhole(room, next - 1, next))) {
        this.#refusePruned(request)
        return
      }
      const wanted = runs.filter(({ first }) => first <= last).map((run) => runThrough(run, last))
      const end = wanted.at(-1)
      if (!end) throw new Error('the store ends before its head')
      for (const group of groupRuns(wanted)) connection.send(partOf(group).frame(channel))
      next = end.first + end.count
    }
    const hash = last > 0 ? await store.hashAt(room, last) : undefined
    if (this.#ended) return
    const caughtUp = { channel, request, sequence: last, hash: hash ? hashPrefix(hash) : NO_HASH }
    connection.send(encodeFrame([{ type: 'caught-up', ...caughtUp }]))
  }

  async #fetch({ request, checkpoint, first, last }: Fetch): Promise<void> {
    const { store, room, connection, channel, catchUpBytes } = this.#from
    const maxBytes = Math.min(catchUpBytes, MAX_CHUNK_READ_BYTES)
    // Without a last one wanted: as many as there can be. The store says how many there are.
    let end = last || MAX_CHECKPOINT_CHUNKS
    let next = first
    while (next <= end && (await this.#isReady())) {
      const read = await store.checkpoint(room, checkpoint, { first: next, last: end, maxBytes })
      if (this.#ended) return
      if (!read) {
        this.#refuse(request, 'unknown', 'no such checkpoint, or no such chunk of it')
        return
      }
      end = Math.min(end, read.total)
      connection.send(encodeFrame([{ type: 'checkpoint', channel, request, first: next, ...read }]))
      next += read.chunks.length
    }
  }

  async #list({ request, record }: CheckpointsUp): Promise<void> {
    const { store, room, connection, channel } = this.#from
    if (!(await this.#isReady())) return
    const places = await store.places(room, record)
    if (this.#ended) return
    if (places) connection.send(encodeFrame([{ type: 'checkpoints', channel, request, places }]))
    else this.#refuse(request, 'unknown', 'no such record')
  }

  #refusePruned(request: number): void {
    const { code, message } = refusalFor('pruned')
    if (!this.#ended) this.#refuse(request, code, message)
  }

  #refuse(request: number, code: RefusalCode, detail: string): void {
    const { connection, channel } = this.#from
    connection.send(encodeFrame([{ type: 'refused', channel, request, code, detail }]))
  }

  /**
   * Resolves when the client has taken most of what it was sent: whether the session is still there. One piece beside the one that is on its way
   * keeps a line full, and a hundred who open a large document at once cost no more memory than that.
   */
  async #isReady(): Promise<boolean> {
    const { connection, catchUpBytes } = this.#from
    while (!this.#ended && connection.backlogBytes > catchUpBytes) await connection.drained()
    return !this.#ended
  }
}
