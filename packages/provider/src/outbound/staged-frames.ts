import type { Entry } from '@y-sealed/protocol'
import { cutFrames } from './staged-request.ts'

/** A frame of staging takes this much at most: on a slow link (500 kB/s) the rotator's own appends wait half a second behind it, not two. */
const MAX_STAGED_FRAME_BYTES = 264 * 1024

/** What goes up under the lease, frame by frame; each is answered before the next one leaves. */
export class StagedFrames {
  /** Entries of the log that were put here, in order: the epoch's first. */
  readonly entries: Entry[] = []
  readonly #maxFrameBytes: number
  #waiting: Entry[][] = []

  /** `maxFrameBytes`: what the relay allows. */
  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = Math.min(MAX_STAGED_FRAME_BYTES, maxFrameBytes)
  }

  get left(): number {
    return this.#waiting.length
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** One that waits alone may go with the `open`. */
  get isLast(): boolean {
    return this.#waiting.length <= 1
  }

  addChunks(chunks: readonly Uint8Array[]): void {
    this.#waiting.push(...cutFrames(chunks.map(toEntry), this.#maxFrameBytes))
  }

  addEntries(envelopes: readonly Uint8Array[]): void {
    if (envelopes.length === 0) return
    const entries = envelopes.map(toEntry)
    this.entries.push(...entries)
    this.#waiting.push(...cutFrames(entries, this.#maxFrameBytes))
  }

  next(): Entry[] | undefined {
    return this.#waiting.shift()
  }
}

/** Write signatures are reserved (protocol §7); version 1 has none. */
const NO_PROOF = new Uint8Array(0)

const toEntry = (envelope: Uint8Array): Entry => ({ proof: NO_PROOF, envelope })
