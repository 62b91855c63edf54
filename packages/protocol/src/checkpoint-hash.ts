import { sha256 } from '#sha256'
import { HASH_BYTES } from './log-hash.ts'

/**
 * Names a checkpoint (protocol.md §4): members put it into epoch records, and the relay computes it over what it is about
 * to store, so that an epoch never begins with another checkpoint than its record means.
 *
 *   chunk hash      = SHA-256(envelope)
 *   checkpoint hash = SHA-256("y-sealed/v1/checkpoint" • chunk hash 1 • chunk hash 2 • …)
 */

const checkpointLabel = new TextEncoder().encode('y-sealed/v1/checkpoint')

/** The hash of one chunk, 32 bytes: its whole envelope, header included. */
export function chunkHash(envelope: Uint8Array): Uint8Array {
  return sha256(envelope)
}

/** The hash of a checkpoint, 32 bytes, from those of its chunks in order. */
export function checkpointHash(chunkHashes: readonly Uint8Array[]): Uint8Array {
  for (const { length } of chunkHashes) {
    if (length !== HASH_BYTES) throw new RangeError(`chunk hash: expected 32 bytes, got ${length}`)
  }
  return sha256(checkpointLabel, ...chunkHashes)
}
