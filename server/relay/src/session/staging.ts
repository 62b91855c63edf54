import { MAX_CHECKPOINT_CHUNKS } from '@y-sealed/protocol'
import type { NewChunk, NewRun } from '../log/log-store.ts'
import type { HeldBytes } from './held-bytes.ts'
import { Refusal } from './refusal.ts'

/** What a request brings: entries, and the chunks of a checkpoint. */
export interface NewEntries {
  runs: NewRun[]
  chunks: NewChunk[]
}

/** What a session has staged for its request under way, or under its lease. */
export class Staging {
  readonly #held: HeldBytes
  readonly #maxBytes: number
  #request = -1
  #runs: NewRun[] = []
  #chunks: NewChunk[] = []
  #bytes = 0

  constructor(held: HeldBytes, maxBytes: number) {
    this.#held = held
    this.#maxBytes = maxBytes
  }

  /** Adds what came, and its bytes, which the caller has taken from HeldBytes. What another request has staged is dropped. */
  add(request: number, { runs, chunks }: NewEntries, bytes: number): void {
    this.#begin(request, bytes)
    for (const chunk of chunks) this.#addChunk(chunk)
    this.#runs.push(...runs)
    this.#bytes += bytes
  }

  /** What the request has staged, and then this; the bytes of all are the caller's to release. */
  take(request: number, last: NewEntries, bytes: number): NewEntries & { bytes: number } {
    this.add(request, last, bytes)
    const taken = { runs: this.#runs, chunks: this.#chunks, bytes: this.#bytes }
    this.#clear()
    return taken
  }

  drop(): void {
    this.#held.release(this.#bytes)
    this.#clear()
  }

  #clear(): void {
    this.#runs = []
    this.#chunks = []
    this.#bytes = 0
  }

  #begin(request: number, bytes: number): void {
    if (request !== this.#request) this.drop()
    this.#request = request
    if (this.#bytes + bytes > this.#maxBytes) throw new Refusal('limit', 'request too large')
  }

  /** One checkpoint at most: one salt, and each chunk in its place. */
  #addChunk(chunk: NewChunk): void {
    const [first = chunk] = this.#chunks
    const isOfOne = first.epochIndex === chunk.epochIndex && Buffer.compare(first.salt, chunk.salt) === 0
    if (!isOfOne || chunk.counter !== this.#chunks.length + 1) {
      throw new Refusal('out-of-order', 'the chunks of a checkpoint come under one salt, from 1')
    }
    if (chunk.counter > MAX_CHECKPOINT_CHUNKS) throw new Refusal('limit', 'too many chunks')
    this.#chunks.push(chunk)
  }
}
