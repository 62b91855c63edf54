import { concat } from './bytes.ts'
import { malformed, misuse } from './envelope-error.ts'
import { encodeHash, encodeOptionalHash, encodeSequence, encodeUnixMs } from './fields.ts'
import { reader } from './reader.ts'

/** What the author of a checkpoint says about it, sealed in front of its update. */
export interface CheckpointManifest {
  /** The checkpoint holds the log through this sequence. */
  sequence: number
  /** H there, 32 bytes. */
  hash: Uint8Array
  /** Hash of the checkpoint that this one replaces or follows, 32 bytes. */
  previous: Uint8Array | undefined
  /** 32 bytes that name the log state; how they are made is their maker's business. */
  digest: Uint8Array
  /** When it was made, by its author's clock: 0 to 2^48 - 1. */
  unixMs: number
}

/**
 * The body of kind 2, of all chunks together: `varint sequence ‖ H ‖ previous ‖ digest ‖ u48be unix ms`, and behind it the update, which is not
 * copied. Throws EnvelopeError `caller`.
 */
export function encodeCheckpointBody(manifest: CheckpointManifest, update: Uint8Array): [Uint8Array, Uint8Array] {
  if (update.length === 0) throw misuse('a checkpoint without an update')
  const head = concat(
    encodeSequence(manifest.sequence),
    encodeHash('H', manifest.hash),
    encodeOptionalHash('previous checkpoint', manifest.previous),
    encodeHash('digest', manifest.digest),
    encodeUnixMs(manifest.unixMs),
  )
  return [head, update]
}

/**
 * Parses what `joinParts` made of all chunks. Throws EnvelopeError `malformed`. The body of the first of several chunks
 * has the manifest too; what then stands as `update` is only its beginning, and never for Yjs.
 */
export function parseCheckpointBody(body: Uint8Array): { manifest: CheckpointManifest; update: Uint8Array } {
  const read = reader(body, 'checkpoint body')
  const manifest: CheckpointManifest = {
    sequence: read.varint(),
    hash: read.hash(),
    previous: read.optionalHash(),
    digest: read.hash(),
    unixMs: read.unixMs(),
  }
  const update = read.rest()
  if (update.length === 0) throw malformed('checkpoint body without an update')
  return { manifest, update }
}
