import { sha256OfMany } from '@y-sealed/envelope'
import * as encoding from 'lib0/encoding'
import type { LogState } from '../log-state/log-state.ts'

/** Apart from every other hash of the project. */
const LABEL = new TextEncoder().encode('y-sealed/v1/digest')

/**
 * Names a document state, for a checkpoint's manifest: SHA-256 over which Yjs ids exist and which of them are deleted, 32 bytes. Equal for all
 * documents that have converged, whatever they have merged, collected as garbage or kept for an undo, and another one where a single delete is
 * missing, which a state vector does not show.
 */
export async function stateDigest({ ranges }: LogState): Promise<Uint8Array> {
  const encoder = encoding.createEncoder()
  encoding.writeUint8Array(encoder, LABEL)
  for (const ids of [ranges.existing, ranges.deleted]) {
    encoding.writeVarUint(encoder, ids.length)
    for (const [client, pieces] of ids) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, pieces.length)
      for (const [start, length] of pieces) {
        encoding.writeVarUint(encoder, start)
        encoding.writeVarUint(encoder, length)
      }
    }
  }
  return sha256OfMany(encoding.toUint8Array(encoder))
}
