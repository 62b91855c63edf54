import { checkpointHash, type Place, startHash } from '@y-sealed/protocol'
import { chunkBytes } from './added-bytes.ts'
import type { EpochRecord, NewChunk } from './log-store.ts'

/** What is known of a checkpoint before its chunks are looked at. */
export interface AboutCheckpoint extends Pick<Place, 'sequence' | 'hash'> {
  epochIndex: number
  /** Its author's; '' where an epoch began with it. */
  subject: string
  isNamed: boolean
  storedAtUnixMs: number
}

export interface StoredCheckpoint extends Place, AboutCheckpoint {
  /** Of all its chunks, 16 bytes. */
  salt: Uint8Array
  /** How many. */
  chunks: number
}

/** Its columns by these names, for a SELECT; what is true in a store comes as it has it. */
export const CHECKPOINT = `name AS checkpoint, epoch_index AS "epochIndex", sequence, hash, bytes, chunks, salt, subject,
  is_named AS "isNamed", stored_at AS "storedAtUnixMs"`

/** That of these chunks. */
export function checkpointOf(chunks: readonly [NewChunk, ...NewChunk[]], about: AboutCheckpoint): StoredCheckpoint {
  const [{ salt }] = chunks
  const checkpoint = checkpointHash(chunks.map(({ hash }) => hash))
  return { ...about, checkpoint, bytes: chunkBytes(chunks), chunks: chunks.length, salt }
}

/** The one with which an epoch begins: nobody has to name it. */
export function firstOf({ index, hash, after }: EpochRecord, storedAtUnixMs: number): AboutCheckpoint {
  return { epochIndex: index, sequence: after, hash: startHash(hash), subject: '', isNamed: true, storedAtUnixMs }
}
