import type { Entry } from '@y-sealed/protocol'

/** One request whose entries may fill several frames: all but the last are staged at the relay, the last one commits them together. */
export class StagedRequest {
  readonly request: number
  readonly entries: readonly Entry[]
  readonly #frames: readonly Entry[][]
  #sent = 0

  constructor(request: number, envelopes: readonly Uint8Array[], maxFrameEnvelopeBytes: number) {
    this.request = request
    this.entries = envelopes.map((envelope) => ({ proof: NO_PROOF, envelope }))
    this.#frames = cutFrames(this.entries, maxFrameEnvelopeBytes)
  }

  /** The entries of the next frame, and whether it is the one that commits; undefined after that. */
  next(): { envelopes: Entry[]; isLast: boolean } | undefined {
    const envelopes = this.#frames[this.#sent]
    if (envelopes === undefined) return undefined
    this.#sent++
    return { envelopes, isLast: this.#sent === this.#frames.length }
  }

  /** Nothing of it was kept: it is sent from its first frame. */
  rewind(): void {
    this.#sent = 0
  }
}

/** Write signatures are reserved (protocol §7); version 1 has none. */
const NO_PROOF = new Uint8Array(0)

/** At least one frame: an epoch may be opened without entries. */
export function cutFrames(entries: readonly Entry[], maxBytes: number): Entry[][] {
  const frames: Entry[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const frame = frames.at(-1)
    if (frame === undefined || (frame.length > 0 && bytes + entry.envelope.length > maxBytes)) {
      frames.push([entry])
      bytes = entry.envelope.length
    } else {
      frame.push(entry)
      bytes += entry.envelope.length
    }
  }
  return frames
}
