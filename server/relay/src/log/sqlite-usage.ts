import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { Usage } from './log-store.ts'
import { readHead, readStanding } from './sqlite-reading.ts'
import type { Tables } from './sqlite-tables.ts'
import { type Counted, NO_USAGE, tailStart, usageOf } from './usage.ts'

/** Reads the size of every run of a room, not the runs themselves: for people who ask, not for each request. */
export function createUsage(database: DatabaseSyncInstance, tables: Tables): (room: string) => Usage {
  const count = database.prepare(
    `SELECT sequence, coalesce(sum(entries), 0) AS allEntries, coalesce(sum(length(body)), 0) AS allBytes,
       coalesce(sum(length(body)) FILTER (WHERE first_sequence + entries - 1 > :start), 0) AS tailBytes,
       (SELECT coalesce(sum(bytes), 0) FROM checkpoints WHERE document = documents.id) AS allChunkBytes,
       (SELECT count(*) FROM records WHERE document = documents.id) AS records
     FROM documents LEFT JOIN runs ON runs.document = documents.id WHERE room = :room GROUP BY documents.id`,
  )
  return (room) => {
    const standing = readStanding(tables, room)
    const start = tailStart(readHead(tables, room), standing)
    const counted: Counted | undefined = count.get({ start, room: Buffer.from(room) })
    return counted ? usageOf(standing, start, counted) : NO_USAGE
  }
}
