import { type EpochKeys, openEnvelope } from '@y-sealed/envelope'
import { type Down, encodeFrame, parseDownFrame } from '@y-sealed/protocol'
import type { FrameSocket } from '../frame-socket.ts'
import { keysOf } from './bench-keys.ts'
import { CHANNEL } from './y-sealed-wire.ts'

export interface RawReading {
  readonly openMs: number
  readonly downBytes: number
  /** Envelopes whose tag was checked. */
  readonly opened: number
}

/**
 * Reads a document as a fresh member does, over a connection on which nothing was said but hello, and opens every envelope that it gets, entries
 * and chunks of a checkpoint; it applies nothing. Throws for a tag that does not verify.
 */
export async function readRoom(socket: FrameSocket, room: string): Promise<RawReading> {
  const startMs = performance.now()
  const opened = await new Promise<number>((resolve, reject) => {
    const reading = new Reading(socket, room)
    reading.done.then(resolve, reject)
  })
  const openMs = performance.now() - startMs
  const { downBytes } = socket
  socket.close()
  return { openMs, downBytes, opened }
}

const NO_HASH = new Uint8Array(0)

class Reading {
  readonly done: Promise<number>
  readonly #socket: FrameSocket
  readonly #room: string
  readonly #opening: Promise<unknown>[] = []
  #keys: Promise<EpochKeys> | undefined
  #isCaughtUp = false
  #isCheckpointComplete = true
  #finish: (opened: number) => void = () => {}

  constructor(socket: FrameSocket, room: string) {
    this.#socket = socket
    this.#room = room
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve
      socket.onClose = () => reject(new Error('the relay closed a reader'))
      socket.onMessage = (bytes, start, end) => {
        try {
          for (const message of parseDownFrame(bytes.subarray(start, end))) this.#take(message)
        } catch (error) {
          reject(error)
        }
        this.#look().catch(reject)
      }
    })
    const join = { type: 'join', channel: CHANNEL, room, token: '', params: {}, cursor: 0 } as const
    socket.send(encodeFrame([{ ...join, hash: NO_HASH, observe: false }]))
  }

  #take(message: Down): void {
    if (message.type === 'joined') this.#begin(message.records.at(-1), message.base?.checkpoint)
    else if (message.type === 'entries') this.#open(message.entries.map(({ envelope }) => ({ envelope, final: false })))
    else if (message.type === 'checkpoint') this.#takeChunks(message.first, message.total, message.chunks)
    else if (message.type === 'caught-up') this.#isCaughtUp = true
    else if (message.type === 'refused' || message.type === 'closed') throw new Error(`the relay refused a reader`)
  }

  #begin(record: Uint8Array | undefined, checkpoint: Uint8Array | undefined): void {
    if (record === undefined) throw new Error('the document is empty')
    this.#keys = keysOf(this.#room, record)
    if (checkpoint === undefined) return
    this.#isCheckpointComplete = false
    const fetch = {
      type: 'fetch',
      channel: CHANNEL,
      request: 1,
      checkpoint,
      first: 1,
      last: 0,
    } as const
    this.#socket.send(encodeFrame([fetch]))
  }

  #takeChunks(first: number, total: number, chunks: readonly Uint8Array[]): void {
    this.#open(chunks.map((envelope, at) => ({ envelope, final: first + at === total })))
    if (first + chunks.length - 1 === total) this.#isCheckpointComplete = true
  }

  #open(envelopes: readonly { envelope: Uint8Array; final: boolean }[]): void {
    const keys = this.#keys
    if (keys === undefined) throw new Error('an envelope before its record')
    for (const { envelope, final } of envelopes) {
      this.#opening.push(keys.then((known) => openEnvelope(known, envelope, { final })).then(() => undefined))
    }
  }

  async #look(): Promise<void> {
    if (!this.#isCaughtUp || !this.#isCheckpointComplete) return
    await Promise.all(this.#opening)
    this.#finish(this.#opening.length)
  }
}
