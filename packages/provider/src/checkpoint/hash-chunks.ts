import { mapInTurns } from '@y-sealed/envelope'
import { checkpointHash } from '@y-sealed/protocol'

/** Where the platform does it beside the page after all, this many at once cost no time. */
const CHUNKS_PER_TURN = 16

/**
 * The hash of a checkpoint (ENV-27), from its sealed chunks. Twenty megabytes hashed in JavaScript would hold up the page for a tenth of a second:
 * the platform is quicker, and the page answers its user between them.
 */
export async function hashChunks(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  return checkpointHash(await mapInTurns(chunks, CHUNKS_PER_TURN, sha256))
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  // WebCrypto's types refuse shared memory; nothing here ever makes any.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}
