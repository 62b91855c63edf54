import {
  type CheckpointManifest,
  createSealer,
  cut,
  EnvelopeKind,
  type EpochKeys,
  encodeCheckpointBody,
  nextTurn,
} from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { equalBytes } from '../hex.ts'
import { SealedError } from '../sealed-error.ts'
import { MAX_CHECKPOINT_BYTES } from './checkpoint-limits.ts'
import { hashChunks } from './hash-chunks.ts'
import { openCheckpointBodies } from './open-checkpoint.ts'

export interface CheckpointToSeal {
  readonly keys: EpochKeys
  readonly epochIndex: number
  readonly padding: boolean
  readonly clock: Clock
  readonly manifest: CheckpointManifest
  /** What `Y.encodeStateAsUpdate` gave of a document that holds exactly the log through `manifest.sequence`. */
  readonly update: Uint8Array
}

export interface SealedCheckpoint {
  /** Envelopes of kind 2, in order. */
  readonly chunks: Uint8Array[]
  /** Names the checkpoint in records, 32 bytes. */
  readonly hash: Uint8Array
}

/**
 * Seals a checkpoint with a sealer of its own, and opens it again before anybody else sees it: others will drop the log that it stands for
 * (protocol §7). Throws SealedError `limit` over 64 MiB, `internal` where what opens is not what was sealed; EnvelopeError `caller`.
 */
export async function sealCheckpoint(checkpoint: CheckpointToSeal): Promise<SealedCheckpoint> {
  const { keys, epochIndex, padding, clock, manifest, update } = checkpoint
  // Before it is copied: sealed it is only larger.
  refuseTooLarge(update.length)
  // Encoding the update was a task of its own: the page answers its user before more is done.
  await nextTurn()
  const body = encodeCheckpointBody(manifest, update)
  const sealer = await createSealer(keys, { epochIndex, wire: false, padding, now: () => clock.now() })
  const sealing = sealer.seal(EnvelopeKind.checkpoint, body)
  sealer.retire()
  const chunks = await sealing
  refuseTooLarge(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  await nextTurn()
  const hash = await hashChunks(chunks)
  // By their hashes, which the platform makes: a loop over 20 MB would hold the page up.
  const opened = await openCheckpointBodies(keys, epochIndex, chunks, hash)
  if (!equalBytes(await hashChunks(opened), await hashChunks(cut(...body)))) {
    throw new SealedError('internal', 'a checkpoint does not open to what was sealed', 'checkpoint')
  }
  return { chunks, hash }
}

function refuseTooLarge(bytes: number): void {
  if (bytes <= MAX_CHECKPOINT_BYTES) return
  throw new SealedError('limit', `a checkpoint of ${bytes} bytes is over ${MAX_CHECKPOINT_BYTES}`, 'checkpoint')
}
