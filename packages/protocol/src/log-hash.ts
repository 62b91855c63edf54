import { sha256 } from '#sha256'
import { MAX_PROOF_BYTES } from './limits.ts'

/**
 * The running hash of a document's log (protocol.md §7). Relay and members compute it alike, so that an ack, a
 * heartbeat or a witness can name a whole history in a few bytes.
 *
 *   H at the start of an epoch = SHA-256("y-sealed/v1/log" • recordHash(32))
 *   leaf                       = SHA-256(u16be proof length • proof • envelope)
 *   H_n                        = SHA-256(0x01 • H_(n-1)(32) • leaf_n(32))
 */

export const HASH_BYTES = 32

/** What acks, fan-out and heartbeats carry of H: enough to notice an accident, while witnesses compare all 32. */
export const HASH_PREFIX_BYTES = 8

const startLabel = new TextEncoder().encode('y-sealed/v1/log')
// Separates a link of the chain from a leaf and from a start, whatever an attacker chooses as envelope bytes.
const linkPrefix = Uint8Array.of(1)
const noProofLength = Uint8Array.of(0, 0)

/** H before the first entry of the epoch whose record has this hash (32 bytes). */
export function startHash(recordHash: Uint8Array): Uint8Array {
  return sha256(startLabel, hash32(recordHash, 'recordHash'))
}

/** The leaf of one entry, 32 bytes. */
export function leafHash(proof: Uint8Array, envelope: Uint8Array): Uint8Array {
  if (proof.length > MAX_PROOF_BYTES) throw new RangeError(`proof: expected at most ${MAX_PROOF_BYTES} bytes`)
  if (proof.length === 0) return sha256(noProofLength, envelope)
  return sha256(Uint8Array.of(proof.length >> 8, proof.length & 0xff), proof, envelope)
}

/** H after an entry, from H before it and the entry's leaf (32 bytes each). */
export function nextHash(previous: Uint8Array, leaf: Uint8Array): Uint8Array {
  return sha256(linkPrefix, hash32(previous, 'previous'), hash32(leaf, 'leaf'))
}

/** The first 8 bytes of H, as frames carry them. */
export function hashPrefix(hash: Uint8Array): Uint8Array {
  return hash32(hash, 'hash').slice(0, HASH_PREFIX_BYTES)
}

/** A chain over a hash cut short would still be a chain, only another one than everybody else's. */
function hash32(bytes: Uint8Array, part: string): Uint8Array {
  if (bytes.length !== HASH_BYTES) throw new RangeError(`${part}: expected 32 bytes, got ${bytes.length}`)
  return bytes
}
