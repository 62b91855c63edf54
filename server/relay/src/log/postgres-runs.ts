import type { StoredRun } from './log-store.ts'
import type { Queries } from './postgres-database.ts'
import { RUN } from './row-columns.ts'
import { hashWithin } from './run-chain.ts'

// Far more than a message of the log holds; the store stops where the bytes asked for are together.
const MAX_RUNS = 2_048

const WITH = `SELECT ${RUN} FROM runs WHERE room = $1 AND first_sequence <= $2 ORDER BY first_sequence DESC LIMIT 1`

/** From the run that holds `$2` on, or the first behind it, as many as come before the bytes of all of them reach `$3`, and one more. */
const FROM = `SELECT first, count, "epochIndex", "hashBefore", body FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY first) - octet_length(body) AS bytes_before FROM (
      SELECT ${RUN} FROM runs WHERE room = $1 AND first_sequence >= coalesce(
          (SELECT first FROM (${WITH}) AS holder WHERE first + count > $2), $2)
        ORDER BY first_sequence LIMIT ${MAX_RUNS}) AS next_runs) AS sized
  WHERE bytes_before < $3 ORDER BY first`

const PRUNED_HASH =
  'SELECT pruned_hash AS hash FROM records WHERE room = $1 AND pruned_through = $2 AND pruned_through > 0'

/** The run that holds this sequence, or the last one before it. */
export async function runWith(queries: Queries, room: Uint8Array, sequence: number): Promise<StoredRun | undefined> {
  const [run] = await queries.query<StoredRun>(WITH, [room, sequence])
  return run
}

export function runsFrom(queries: Queries, room: Uint8Array, sequence: number, maxBytes: number): Promise<StoredRun[]> {
  return queries.query<StoredRun>(FROM, [room, sequence, maxBytes])
}

/** H after the entry `sequence`; undefined where there is none, or where neither it nor anything that tells is kept. */
export async function hashAfter(queries: Queries, room: Uint8Array, sequence: number): Promise<Uint8Array | undefined> {
  if (sequence < 1) return undefined
  const run = await runWith(queries, room, sequence)
  if (run && sequence < run.first + run.count) return hashWithin(run, sequence)
  const [pruned] = await queries.query<{ hash: Uint8Array }>(PRUNED_HASH, [room, sequence])
  return pruned?.hash
}
