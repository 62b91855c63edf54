import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { leafHash, nextHash } from '@y-sealed/protocol'
import { parseRunBody } from '../../server/relay/src/log/run-body.ts'

// What disks, row-level restores and bad operators do to a relay's log. The relay has to be stopped, and the room to be the only one.

interface RunRow {
  first: number
  entries: number
  hash: Uint8Array
  body: Uint8Array
}

function withLog(folder: string, act: (database: DatabaseSyncInstance) => void): void {
  const database = new DatabaseSync(join(folder, 'relay.db'))
  try {
    act(database)
  } finally {
    database.close()
  }
}

const runWith = (database: DatabaseSyncInstance, sequence: number): RunRow => {
  const row: RunRow | undefined = database
    .prepare(
      `SELECT first_sequence AS first, entries, hash_before AS hash, body FROM runs
         WHERE first_sequence <= ? AND first_sequence + entries > ?`,
    )
    .get(sequence, sequence)
  if (row === undefined || row.entries !== 1) throw new Error(`entry ${sequence} is no run of its own`)
  return row
}

/** One bit of the entry's ciphertext is another. */
export function flipBit(folder: string, sequence: number): void {
  withLog(folder, (database) => {
    const { first, body } = runWith(database, sequence)
    const other = body.slice()
    other[other.length - 20] = (other.at(-20) ?? 0) ^ 1
    database.prepare('UPDATE runs SET body = ? WHERE first_sequence = ?').run(other, first)
  })
}

/** The entry never was: those behind it have moved up, and every hash fits. Only the sealer's counters tell of it. */
export function loseEntry(folder: string, sequence: number): void {
  withLog(folder, (database) => {
    const lost = runWith(database, sequence)
    database.prepare('DELETE FROM runs WHERE first_sequence = ?').run(lost.first)
    const behind: RunRow[] = database
      .prepare(
        `SELECT first_sequence AS first, entries, hash_before AS hash, body FROM runs
           WHERE first_sequence > ? ORDER BY first_sequence`,
      )
      .all(lost.first)
    let { hash } = lost
    for (const { first, body } of behind) {
      database
        .prepare('UPDATE runs SET first_sequence = ?, hash_before = ? WHERE first_sequence = ?')
        .run(first - 1, hash, first)
      for (const { proof, envelope } of parseRunBody(body)) hash = nextHash(hash, leafHash(proof, envelope))
    }
    database.prepare('UPDATE documents SET sequence = sequence - 1, hash = ?').run(hash)
  })
}
