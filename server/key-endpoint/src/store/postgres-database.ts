import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { KeyServerError } from '../key-server-error.ts'

/** An endpoint asks small things by primary key; ten at once keep two cores of a database busy. */
const MAX_CONNECTIONS = 10

/** A database that does not answer by then is down; the client of the endpoint asks again. */
const CONNECT_TIMEOUT_MS = 5_000

/** No statement of ours takes a second; one that waits for a lock for longer than this never gets it. */
const STATEMENT_TIMEOUT_MS = 10_000

/** A pool of connections. Whatever fails on the way to the database is `store-unreachable`, without a word of the URL, which has a password. */
export interface PostgresDatabase {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  transaction<T>(run: (client: PoolClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Loads `pg`, which an endpoint on SQLite never does. @throws KeyServerError `store-unreachable` */
export async function openPostgres(url: string): Promise<PostgresDatabase> {
  const pg = await import('pg')
  let pool: Pool
  try {
    pool = new pg.default.Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      // An answered key is on disk, whatever the database does by default.
      onConnect: (client) => client.query('SET synchronous_commit TO on'),
    })
  } catch {
    throw new KeyServerError('store-unreachable', 'the URL of the key database cannot be read')
  }
  // An idle connection that breaks is replaced by the next call, which tells if it cannot.
  pool.on('error', () => {})

  const reach = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      throw unreachable(error)
    }
  }
  return {
    query: async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      await reach(async () => (await pool.query<Row>(text, [...values])).rows),
    transaction: async (run) =>
      await reach(async () => {
        const client = await pool.connect()
        try {
          await client.query('BEGIN')
          const result = await run(client)
          await client.query('COMMIT')
          client.release()
          return result
        } catch (error) {
          // Thrown away with what it was in the middle of.
          client.release(true)
          throw error
        }
      }),
    close: () => pool.end(),
  }
}

function unreachable(error: unknown): unknown {
  if (error instanceof KeyServerError) return error
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const why = typeof code === 'string' ? code : error instanceof Error ? error.constructor.name : 'failed'
  return new KeyServerError('store-unreachable', `the key database does not answer (${why})`)
}
