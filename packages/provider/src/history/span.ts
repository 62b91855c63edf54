import { startHash } from '@y-sealed/protocol'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import { equalBytes } from '../hex.ts'

/** An epoch's place in the log. */
export interface Span {
  readonly epoch: ChainedEpoch
  /** The last sequence before it. */
  readonly after: number
  /** Its own last one; `after` while it has none. */
  readonly to: number
  /** H at `to`, 32 bytes; undefined where no record that is held good has said. */
  readonly hash: Uint8Array | undefined
}

export interface LogEnd {
  readonly sequence: number
  /** H there, 32 bytes. */
  readonly hash: Uint8Array
}

/** The places of all epochs. Each record says where the epoch before it ended; where the newest one has got to, the live session knows. */
export function spansOf(chain: readonly ChainedEpoch[], end: LogEnd): Span[] {
  return chain.map((epoch, at) => {
    const after = epoch.parsed.prevSequence
    const next = chain[at + 1]
    if (next !== undefined) {
      const { prevRecord, prevSequence, prevHash } = next.parsed
      const isItsEnd = equalBytes(prevRecord, epoch.hash)
      return { epoch, after, to: Math.max(after, prevSequence), hash: isItsEnd ? prevHash : undefined }
    }
    // A session that has not got there yet stands in an epoch before, at that one's H.
    if (end.sequence <= after) return { epoch, after, to: after, hash: startHash(epoch.hash) }
    return { epoch, after, to: end.sequence, hash: end.hash }
  })
}
