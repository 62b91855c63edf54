import { type EpochKeys, type EpochRecord, parseEpochRecord, recordHash } from '@y-sealed/envelope'

/** An epoch as its public record tells it; `keys` are there once they were asked for and fitted. */
export interface ChainedEpoch {
  readonly record: Uint8Array
  /** recordHash: the one name of an epoch in pins and joins. */
  readonly hash: Uint8Array
  readonly parsed: EpochRecord
  readonly keys?: EpochKeys
}

/** Throws EnvelopeError `malformed` or `unsupported`. */
export function readRecord(record: Uint8Array): ChainedEpoch {
  return { record, hash: recordHash(record), parsed: parseEpochRecord(record) }
}
