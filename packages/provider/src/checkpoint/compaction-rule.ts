/** The log behind the newest checkpoint, and what opening that one costs. */
export interface TailFacts {
  readonly entries: number
  /** Of the sealed entries together. */
  readonly bytes: number
  /** Sealed bytes of the newest checkpoint; 0 = there is none. */
  readonly checkpointBytes: number
  /** Nobody has written for a while. */
  readonly isQuiet: boolean
}

/** An entry costs its reader a cipher call, two hashes and a share of a transaction, whatever its size: counted generously, for small ones are many. */
const ENTRY_COST_BYTES = 512
/** Smaller tails are read in a few milliseconds: not worth an upload while people write. */
const MIN_BUSY_COST_BYTES = 256 * 1024
/** Some fifty keystrokes. */
const MIN_QUIET_COST_BYTES = 32 * 1024
/** In a quiet room the next thing that happens is that somebody opens it: then an eighth of the document is worth an upload. */
const QUIET_SHARE = 8

/**
 * Whether the log behind the newest checkpoint is worth a new one. While people write: once reading the tail costs as much as opening the
 * checkpoint, so that a checkpoint is uploaded once per its own weight in edits, and a reader never does more than double work. In a quiet room:
 * from an eighth on.
 */
export function isCompactionDue({ entries, bytes, checkpointBytes, isQuiet }: TailFacts): boolean {
  const costBytes = bytes + entries * ENTRY_COST_BYTES
  return isQuiet
    ? costBytes >= Math.max(MIN_QUIET_COST_BYTES, checkpointBytes / QUIET_SHARE)
    : costBytes >= Math.max(MIN_BUSY_COST_BYTES, checkpointBytes)
}
