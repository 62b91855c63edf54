/** Where a reader begins in an epoch. */
export interface EpochStart {
  /** Everything through here is in `update`. */
  readonly sequence: number
  /** H there, 32 bytes. */
  readonly hash: Uint8Array
  /** Names the checkpoint; undefined: the epoch began empty. */
  readonly checkpoint: Uint8Array | undefined
  /** What the checkpoint holds, for Yjs. */
  readonly update: Uint8Array | undefined
}
