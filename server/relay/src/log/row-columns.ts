/** The columns of an EpochRecord, by its names: what is read is one. */
export const RECORD = 'epoch_index AS "index", bytes, hash, after_sequence AS after'

/** Those of a StoredRun. */
export const RUN =
  'first_sequence AS first, entries AS count, epoch_index AS "epochIndex", hash_before AS "hashBefore", body'
