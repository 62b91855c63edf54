import { mapInTurns, sha256OfMany } from '@y-sealed/envelope'
import { checkpointHash } from '@y-sealed/protocol'

/** Where the platform does it beside the page after all, this many at once cost no time. */
const CHUNKS_PER_TURN = 16

/** The hash of a checkpoint (ENV-27), from its sealed chunks; the page answers its user between them. */
export async function hashChunks(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  return checkpointHash(await mapInTurns(chunks, CHUNKS_PER_TURN, sha256OfMany))
}
