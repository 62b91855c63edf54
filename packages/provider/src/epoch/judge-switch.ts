import { equalBytes } from '../hex.ts'

/** Where a client stands: the epoch that it is in, and how far it has read that epoch's log. */
export interface Standing {
  readonly recordHash: Uint8Array
  readonly cursor: number
  /** H at the cursor, 32 bytes. */
  readonly hash: Uint8Array
}

/** What the next epoch's record says of the epoch before it. */
export interface Before {
  readonly prevRecord: Uint8Array
  readonly prevSequence: number
  readonly prevHash: Uint8Array
}

export type Switch =
  /** The rest of the old epoch's log is to be read first. */
  | 'wait'
  /** All of it was read: the new epoch goes on from here, without its checkpoint. */
  | 'go-on'
  /** The epoch that this client is in was given up: the new one is loaded, and what it lacks is published again. */
  | 'void'
  /** The new epoch follows another history than the one that was shown here. */
  | 'fork'

/** How a member that is in an epoch passes into the next (protocol §4): on equal sequence and H, or by loading its checkpoint. */
export function judgeSwitch(mine: Standing, next: Before): Switch {
  // Opened on a relay that had nothing any more, because a person said so: whoever holds something brings it.
  if (next.prevSequence === 0 && next.prevHash.every((byte) => byte === 0)) return 'void'
  if (!equalBytes(mine.recordHash, next.prevRecord)) return 'void'
  if (mine.cursor < next.prevSequence) return 'wait'
  return mine.cursor === next.prevSequence && equalBytes(mine.hash, next.prevHash) ? 'go-on' : 'fork'
}
