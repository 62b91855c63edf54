import { RelayError } from '../errors.ts'
import type { AppendRequest, AppendResult, CompactResult, LogStore } from './log-store.ts'
import { appendAll, isInLog } from './postgres-appending.ts'
import { appendNaming, compact, lease, open, pause, release, renew } from './postgres-changes.ts'
import { checkpointCalled } from './postgres-checkpoint-rows.ts'
import { PostgresDatabase, type Queries } from './postgres-database.ts'
import { PostgresDocuments } from './postgres-documents.ts'
import { PostgresLines } from './postgres-lines.ts'
import {
  isDeletedRoom,
  looksAt,
  type News,
  readKeptEpochs,
  readNames,
  readNews,
  readUsage,
} from './postgres-reading.ts'
import { preparePostgres } from './postgres-schema.ts'
import { bury, sweepStep } from './postgres-sweep.ts'
import { PostgresTenants } from './postgres-tenants.ts'
import { sameHash } from './record-hash.ts'
import { hexOf, roomKey } from './room-key.ts'

/** A store that several relays share. */
export interface SharedLogStore extends LogStore {
  /** Names the store to nodes that share one bus. */
  readonly id: string
  /** What is new in these rooms, by one query; a room that nobody has made is absent. */
  news(rooms: readonly string[]): Promise<Map<string, News>>
  /** Those of whom an operator has closed the sessions since then, by hash, and when; ms on the store's clock. */
  shutOutsSince(unixMs: number): Promise<{ who: Uint8Array; since: number }[]>
  shutOut(who: Uint8Array, since: number): Promise<void>
}

// As auth/shut-out.ts: by then the tokens of before have ended.
const SHUT_OUT_MS = 24 * 60 * 60_000

export interface PostgresStoreOptions {
  /** Unix ms, for leases, pauses and what was replaced; default: the database's clock, which all nodes share. */
  now?: (() => number) | undefined
  /** How many parts a new store's tables have; 0: they are whole. */
  partitions?: number
  /** How long what fails for want of a connection is tried again; default: 15 s. */
  patienceMs?: number
}

/** Opens the store in the database of this URL, and makes its tables where there are none. Throws RelayError `storage` or `options`. */
export async function openPostgresLogStore(url: string, options: PostgresStoreOptions = {}): Promise<SharedLogStore> {
  const { now, partitions = 0 } = options
  const database = new PostgresDatabase(url, options.patienceMs)
  const { id } = await preparePostgres(database, partitions).catch(async (error: unknown) => {
    await database.close()
    if (error instanceof RelayError) throw error
    throw new RelayError('storage', 'the database cannot be used', { cause: error })
  })
  const documents = new PostgresDocuments(now)
  const ports = { documents, tenants: new PostgresTenants() }

  const isStored = ({ stored }: { stored: boolean }) => stored
  /** Whether the commit that came to this result is in the log of the room. */
  const isCommitThere =
    (room: string) =>
    async (queries: Queries, result: AppendResult): Promise<boolean> => {
      if (!result.stored) return false
      const { opened, runs } = result.commit
      if (runs.length > 0) return await isInLog(queries, ports, room, result.commit)
      const document = await documents.lock(queries, roomKey(room))
      return sameHash(document?.state.head.hash, opened?.hash)
    }

  const lines = new PostgresLines((requests) =>
    database.transaction({
      run: (queries) => appendAll(queries, ports, requests),
      isKept: (results) => results.some(isStored),
      async isThere(queries, results) {
        // One transaction: all of it is there, or nothing.
        const place = results.findIndex(isStored)
        const [request, result] = [requests[place], results[place]]
        return (
          request !== undefined &&
          result?.stored === true &&
          (await isInLog(queries, ports, request.room, result.commit))
        )
      },
    }),
  )

  function appendByItself(request: AppendRequest): Promise<AppendResult> {
    return lines.change(request.room, () =>
      database.transaction<AppendResult>({
        run: (queries) => appendNaming(queries, ports, request),
        isKept: isStored,
        isThere: isCommitThere(request.room),
      }),
    )
  }

  /** A write that does no harm when it is done again. */
  function claim<T>(room: string, run: (queries: Queries) => Promise<T>): Promise<T> {
    return lines.change(room, () => database.transaction({ run }))
  }

  return {
    id,
    append: (request) => (request.names ? appendByItself(request) : lines.append(request)),
    open: (request) =>
      lines.change(request.room, () =>
        database.transaction<AppendResult>({
          run: (queries) => open(queries, ports, request),
          isKept: isStored,
          isThere: isCommitThere(request.room),
        }),
      ),
    compact: (request) =>
      lines.change(request.room, () =>
        database.transaction<CompactResult>({
          run: (queries) => compact(queries, ports, request),
          isKept: isStored,
          async isThere(queries, result) {
            const key = roomKey(request.room)
            await documents.lock(queries, key)
            return result.stored && (await checkpointCalled(queries, key, result.place.checkpoint)) !== undefined
          },
        }),
      ),
    lease: (request) => claim(request.room, (queries) => lease(queries, ports, request)),
    renew: (request) => claim(request.room, (queries) => renew(queries, ports, request)),
    pause: (request) => claim(request.room, (queries) => pause(queries, ports, request)),
    release: (room, session) => claim(room, (queries) => release(queries, ports, room, session)),

    ...looksAt(database, roomKey),
    usage: (room) => readUsage(database, roomKey(room)),
    keptEpochs: (room) => readKeptEpochs(database, roomKey(room)),
    delete: (room) => claim(room, (queries) => bury(queries, room)),
    isDeleted: (room) => isDeletedRoom(database, roomKey(room)),
    contents: () => ({
      ...looksAt(database, (name) => Buffer.from(name, 'hex')),
      names: (after, max) => readNames(database, after, max),
    }),
    sweep: (terms) => sweepStep(database, documents, terms),

    async news(rooms) {
      const keys = new Map(rooms.map((room) => [hexOf(roomKey(room)), room]))
      const found = await readNews(
        database,
        [...keys.keys()].map((key) => Buffer.from(key, 'hex')),
      )
      return new Map([...found].map(([key, news]) => [keys.get(key) ?? '', news]))
    },
    shutOutsSince: (unixMs) =>
      database.query('SELECT who, since FROM shut_outs WHERE since > $1 ORDER BY since', [unixMs]),
    async shutOut(who, since) {
      await database.query('DELETE FROM shut_outs WHERE since < $1', [since - SHUT_OUT_MS])
      await database.query(
        'INSERT INTO shut_outs VALUES ($1, $2) ON CONFLICT (who) DO UPDATE SET since = greatest(shut_outs.since, excluded.since)',
        [who, since],
      )
    },

    async close() {
      await lines.settled()
      await database.close()
    },
  }
}
