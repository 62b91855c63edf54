import { concat } from './bytes.ts'
import { encodeHash, encodeOptionalHash, encodeSequence, encodeUnixMs } from './fields.ts'
import { reader } from './reader.ts'

/** The body of kind 4: what a member has seen of the log. */
export interface Witness {
  sequence: number
  /** H there, 32 bytes. */
  hash: Uint8Array
  /** Hash of the checkpoint that this witness names, 32 bytes. */
  checkpoint: Uint8Array | undefined
  /** When it was made, by its author's clock: 0 to 2^48 - 1. */
  unixMs: number
}

/** `varint sequence ‖ H ‖ checkpoint ‖ u48be unix ms`. Throws EnvelopeError `caller`. */
export function encodeWitnessBody(witness: Witness): Uint8Array {
  return concat(
    encodeSequence(witness.sequence),
    encodeHash('H', witness.hash),
    encodeOptionalHash('checkpoint', witness.checkpoint),
    encodeUnixMs(witness.unixMs),
  )
}

/** Throws EnvelopeError `malformed`. Whether it agrees with the log is for its reader to compare. */
export function parseWitnessBody(body: Uint8Array): Witness {
  const read = reader(body, 'witness body')
  const witness: Witness = {
    sequence: read.varint(),
    hash: read.hash(),
    checkpoint: read.optionalHash(),
    unixMs: read.unixMs(),
  }
  read.end()
  return witness
}
