import { nextTurn } from '@y-sealed/envelope'
import { checkpointHash } from '@y-sealed/protocol'

/** Where the platform does it beside the page after all, this many at once cost no time. */
const CHUNKS_PER_TURN = 16

/**
 * The hash of a checkpoint (ENV-27), from its sealed chunks. Twenty megabytes hashed in JavaScript would hold up the page for a tenth of a second:
 * the platform is quicker, and the page answers its user between them.
 */
export async function hashChunks(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < chunks.length; at += CHUNKS_PER_TURN) {
    if (at > 0) await nextTurn()
    hashes.push(...(await Promise.all(chunks.slice(at, at + CHUNKS_PER_TURN).map(sha256))))
  }
  return checkpointHash(hashes)
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  // WebCrypto's types refuse shared memory; nothing here ever makes any.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}
