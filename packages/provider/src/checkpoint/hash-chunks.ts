import { checkpointHash } from '@y-sealed/protocol'

/**
 * The hash of a checkpoint (ENV-27), from its sealed chunks. Twenty megabytes hashed in JavaScript would hold up the page for a tenth of a second:
 * the platform does it beside it.
 */
export async function hashChunks(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  return checkpointHash(await Promise.all(chunks.map(sha256)))
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  // WebCrypto's types refuse shared memory; nothing here ever makes any.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}
