import { equalBytes } from '../hex.ts'

/** What a member says under seal that it has seen of the log: at the birth of its sealer, or in a witness. */
export interface Claim {
  readonly sequence: number
  /** H there, 32 bytes. */
  readonly hash: Uint8Array
}

/** Where the claim was read, and what is known here of the log before that. */
export interface ClaimPlace {
  /** Of the entry that makes the claim. */
  readonly sequence: number
  /** The last sequence before the epoch. */
  readonly epochStart: number
  hashAt(sequence: number): Uint8Array | undefined
}

export type ClaimVerdict =
  | 'agrees'
  /** What it speaks of was not read here, or is too long ago. */
  | 'unknown'
  /** Its author saw another history. */
  | 'differs'
  /** Its author saw entries that the relay has not shown here. */
  | 'ahead'
  /** Nobody honest can say that under the key of this epoch. */
  | 'impossible'

/** A claim against what was read here (protocol §3 flag 8, §7 "Witness"). An entry stands behind all that its sealer had seen when it was sealed. */
export function judgeClaim({ sequence, hash }: Claim, place: ClaimPlace): ClaimVerdict {
  if (sequence < place.epochStart) return 'impossible'
  if (sequence >= place.sequence) return 'ahead'
  const ours = place.hashAt(sequence)
  if (ours === undefined) return 'unknown'
  return equalBytes(ours, hash) ? 'agrees' : 'differs'
}
