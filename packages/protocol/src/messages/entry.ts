import { type Field, list, struct, varBytes } from '../codec/field.ts'
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

const entry = struct<Entry>({ proof: varBytes(0, MAX_PROOF_BYTES), envelope: varBytes(1, MAX_ENVELOPE_BYTES) })

/** Entries of one message: at least `min` of them, at most 1 MiB of envelopes. */
export function entries(min: 0 | 1): Field<Entry[]> {
  const plain = list(entry, min, MAX_FRAME_ITEMS)
  return {
    shape: `${plain.shape}, envelopes 0..${MAX_FRAME_ENVELOPE_BYTES}`,
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

/** Sealed bytes of these entries: what the limits of a frame and of a request count. */
export function envelopeBytes(of: readonly Entry[]): number {
  return of.reduce((sum, { envelope }) => sum + envelope.length, 0)
}
