import {
  bodiesOf,
  type CheckpointManifest,
  concatInTurns,
  EnvelopeError,
  EnvelopeKind,
  type EpochKeys,
  mapInTurns,
  type Opened,
  openEnvelope,
  parseCheckpointBody,
} from '@y-sealed/envelope'
import { equalBytes } from '../hex.ts'
import { SealedError } from '../sealed-error.ts'
import { hashChunks } from './hash-chunks.ts'

/** A megabyte, so that the page answers its user meanwhile. */
const CHUNKS_PER_TURN = 4

export interface OpenedCheckpoint {
  readonly manifest: CheckpointManifest
  readonly update: Uint8Array
}

/**
 * Opens all chunks of a checkpoint. The hash is compared before anything is opened: it comes from an epoch record or a checkpoint that is held
 * good, so that a relay cannot choose among a member's checkpoints. Throws SealedError `tampered` for any other bytes than those sealed.
 */
export async function openCheckpoint(
  keys: EpochKeys,
  epochIndex: number,
  chunks: readonly Uint8Array[],
  expectedHash: Uint8Array,
): Promise<OpenedCheckpoint> {
  const body = await concatInTurns(await openCheckpointBodies(keys, epochIndex, chunks, expectedHash), CHUNKS_PER_TURN)
  return refusing(() => parseCheckpointBody(body))
}

/** The same, unparsed, as it was cut. */
export async function openCheckpointBodies(
  keys: EpochKeys,
  epochIndex: number,
  chunks: readonly Uint8Array[],
  expectedHash: Uint8Array,
): Promise<Uint8Array[]> {
  if (!equalBytes(await hashChunks(chunks), expectedHash)) throw tampered('is not the one that was named')
  const opened = await mapInTurns(chunks, CHUNKS_PER_TURN, (chunk, at) =>
    openChunk(keys, epochIndex, chunk, at === chunks.length - 1),
  )
  // One salt, counted from 1, the last one final.
  return refusing(() => bodiesOf(opened))
}

/**
 * What the first chunk alone says about its checkpoint. It was sealed by a holder of the keys; that it belongs to the checkpoint that a record
 * names only all chunks can show. Throws SealedError `tampered`.
 */
export async function openManifest(
  keys: EpochKeys,
  epochIndex: number,
  firstChunk: Uint8Array,
  isOnly: boolean,
): Promise<CheckpointManifest> {
  const { continues, body } = await openChunk(keys, epochIndex, firstChunk, isOnly)
  if (continues) throw tampered('does not begin with its first chunk')
  return refusing(() => parseCheckpointBody(body)).manifest
}

async function openChunk(keys: EpochKeys, epochIndex: number, chunk: Uint8Array, final: boolean): Promise<Opened> {
  let opened: Opened
  try {
    opened = await openEnvelope(keys, chunk, { final })
  } catch (error) {
    throw refusalOf(error)
  }
  if (opened.kind !== EnvelopeKind.checkpoint) throw tampered('has an envelope of another kind')
  if (opened.epochIndex !== epochIndex) throw tampered('is of another epoch')
  return opened
}

function refusing<Result>(parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    throw refusalOf(error)
  }
}

/** The bytes are at fault, or something is that nobody else's bytes can help. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof EnvelopeError) || error.fault !== 'bytes') return error
  return tampered(`does not open: ${error.message}`)
}

const tampered = (what: string) => new SealedError('tampered', `the checkpoint ${what}`, 'checkpoint')
