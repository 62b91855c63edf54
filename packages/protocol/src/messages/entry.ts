import { type Field, list, struct, varBytes } from '../codec/field.ts'
import type { Writer } from '../codec/writer.ts'
import { MAX_ENVELOPE_BYTES, MAX_FRAME_ENVELOPE_BYTES, MAX_FRAME_ITEMS, MAX_PROOF_BYTES } from '../limits.ts'

/**
 * What one place of the log holds: varbytes proof • varbytes envelope. Its sequence is never written, it follows from
 * the first one of its message.
 */
export interface Entry {
  /** Reserved for write signatures, at most 128 bytes. Version 1 writes none, and hashes what it reads. */
  readonly proof: Uint8Array
  readonly envelope: Uint8Array
}

/**
 * Entries one behind the other, each varint length • proof • varint length • envelope: as messages carry them, and as a relay
 * stores and forwards them. Who only passes entries on needs no object for each.
 */
export interface EntryBlock {
  readonly count: number
  readonly bytes: Uint8Array
}

/** A block that came in a message. */
export interface NewBlock extends EntryBlock {
  /** Sealed bytes of its entries: what the limits of a frame and of a request count. */
  readonly envelopeBytes: number
}

const entry = struct<Entry>({ proof: varBytes(0, MAX_PROOF_BYTES), envelope: varBytes(1, MAX_ENVELOPE_BYTES) })

/** How entries of one message lie there: at least `min` of them, at most 1 MiB of envelopes. */
const shapeOf = (min: 0 | 1) =>
  `list(${min}..${MAX_FRAME_ITEMS}) of ${entry.shape}, envelopes 0..${MAX_FRAME_ENVELOPE_BYTES}`

/** Entries, one by one. */
export function entries(min: 0 | 1): Field<Entry[]> {
  const plain = list(entry, min, MAX_FRAME_ITEMS)
  return {
    shape: shapeOf(min),
    read(reader) {
      const read = plain.read(reader)
      if (envelopeBytes(read) > MAX_FRAME_ENVELOPE_BYTES) throw reader.limit('expected at most 1 MiB of envelopes')
      return read
    },
    write(writer, written) {
      if (envelopeBytes(written) > MAX_FRAME_ENVELOPE_BYTES) throw writer.limit('expected at most 1 MiB of envelopes')
      plain.write(writer, written)
    },
  }
}

/** The same bytes under the same bounds, as the block that they are. */
export function block(min: 0 | 1): Field<NewBlock> {
  return {
    shape: shapeOf(min),
    read(reader) {
      const count = reader.count(min, MAX_FRAME_ITEMS)
      const start = reader.place
      let envelopeBytes = 0
      for (let index = 0; index < count; index++) {
        reader.passVarBytes(0, MAX_PROOF_BYTES)
        envelopeBytes += reader.passVarBytes(1, MAX_ENVELOPE_BYTES)
      }
      if (envelopeBytes > MAX_FRAME_ENVELOPE_BYTES) throw reader.limit('expected at most 1 MiB of envelopes')
      return { count, envelopeBytes, bytes: reader.since(start) }
    },
    write(writer, written) {
      writeBlocks(writer, [written], min)
    },
  }
}

/** Blocks that become one message. What is in them was read under the bounds, and is written as it was read. */
export function blocks(min: 0 | 1): Field<readonly EntryBlock[]> {
  const one = block(min)
  return {
    shape: one.shape,
    read: (reader) => [one.read(reader)],
    write: (writer, written) => writeBlocks(writer, written, min),
  }
}

function writeBlocks(writer: Writer, written: readonly EntryBlock[], min: 0 | 1): void {
  writer.count(entryCount(written), min, MAX_FRAME_ITEMS)
  for (const { bytes } of written) writer.bytes(bytes, bytes.length)
}

export function entryCount(of: readonly EntryBlock[]): number {
  return of.reduce((sum, { count }) => sum + count, 0)
}

/** Sealed bytes of these entries: what the limits of a frame and of a request count. */
export function envelopeBytes(of: readonly Entry[]): number {
  return of.reduce((sum, { envelope }) => sum + envelope.length, 0)
}
