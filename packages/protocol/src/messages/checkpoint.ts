import { channel, type Field, hash32, list, request, uint, varBytes } from '../codec/field.ts'
import { defineMessage } from '../codec/message.ts'
import { MAX_CHECKPOINT_CHUNKS, MAX_ENVELOPE_BYTES, MAX_FRAME_ENVELOPE_BYTES } from '../limits.ts'

/** Asks for a checkpoint that is kept, of whatever epoch, or for a stretch of it. Answered by `checkpoint`s, or `refused`, `unknown`. */
export interface Fetch {
  readonly type: 'fetch'
  readonly channel: number
  readonly request: number
  /** Its hash (32 bytes). */
  readonly checkpoint: Uint8Array
  /** The chunk to begin with; 1 = the first. A client that was cut off goes on where it stopped. */
  readonly first: number
  /** The last chunk wanted, at least `first`; 0 = the checkpoint's last. Chunk 1 alone tells what a checkpoint covers. */
  readonly last: number
}

/** Consecutive chunks of a checkpoint; the answer ends with the one that holds chunk `total`, or the fetch's `last`. */
export interface Checkpoint {
  readonly type: 'checkpoint'
  readonly channel: number
  readonly request: number
  /** Number of the first of these chunks, from 1. */
  readonly first: number
  readonly total: number
  /** Envelopes of kind 2, at most 1 MiB together. */
  readonly chunks: Uint8Array[]
}

// A chunk's number is its envelope's counter.
const chunkNumber = uint(1, MAX_CHECKPOINT_CHUNKS)

const plainChunks = list(varBytes(1, MAX_ENVELOPE_BYTES), 1, MAX_CHECKPOINT_CHUNKS)

const chunks: Field<Uint8Array[]> = {
  shape: `${plainChunks.shape}, envelopes 0..${MAX_FRAME_ENVELOPE_BYTES}`,
  read(reader) {
    const read = plainChunks.read(reader)
    if (totalBytes(read) > MAX_FRAME_ENVELOPE_BYTES) throw reader.limit('expected at most 1 MiB of envelopes')
    return read
  },
  write(writer, written) {
    if (totalBytes(written) > MAX_FRAME_ENVELOPE_BYTES) throw writer.limit('expected at most 1 MiB of envelopes')
    plainChunks.write(writer, written)
  },
}

export const fetch = defineMessage<Fetch>(
  'fetch',
  0x1d,
  { channel, request, checkpoint: hash32, first: chunkNumber, last: uint(0, MAX_CHECKPOINT_CHUNKS) },
  ({ first, last }) => (last > 0 && last < first ? `expected last 0 or at least ${first}, got ${last}` : undefined),
)

export const checkpoint = defineMessage<Checkpoint>(
  'checkpoint',
  0x52,
  { channel, request, first: chunkNumber, total: chunkNumber, chunks },
  ({ first, total, chunks }) =>
    first + chunks.length - 1 > total ? `expected at most chunk ${total}, got ${first + chunks.length - 1}` : undefined,
)

function totalBytes(of: readonly Uint8Array[]): number {
  return of.reduce((sum, { length }) => sum + length, 0)
}
