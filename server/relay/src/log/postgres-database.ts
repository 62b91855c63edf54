import pg from 'pg'
import { RelayError } from '../errors.ts'
import { InDoubtError } from './in-doubt-error.ts'
import { clientAt, PostgresHosts } from './postgres-hosts.ts'

/** Statements on one connection, or on any. */
export interface Queries {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

export interface Transaction extends Queries {
  /** Several statements, none of which has values. */
  execute(statements: string): Promise<void>
}

export interface Work<T> {
  /** May be carried out more than once: what it has written is undone before. */
  run(queries: Transaction): Promise<T>
  /** Whether what `run` returned is worth a commit; absent: always. */
  isKept?(value: T): boolean
  /**
   * Asked where a connection broke while it committed: whether that commit is there after all. It first takes the lock that `run`
   * takes, so that a commit which is still under way has ended before it looks. Absent: `run` again does no harm.
   */
  isThere?(queries: Queries, value: T): Promise<boolean>
}

// Writes take four of them at most (postgres-lines.ts); the others read.
const MAX_CONNECTIONS = 10

const CONNECT_MS = 5_000

// A commit takes milliseconds. Who does not answer by then is another machine that is gone, or about to be.
const QUERY_MS = 10_000

// A fail-over takes seconds. Clients wait as long as they have nothing else; then they are told, and ask again.
const PATIENCE_MS = 15_000
const RETRY_MS = 100

// A node that freezes within a transaction must not hold a document's lock for longer.
const IDLE_IN_TRANSACTION_MS = 10_000

// Types of PostgreSQL's.
const BYTEA = 17
const INT8 = 20

/**
 * Connections to PostgreSQL. What fails because one is lost is done again on another, for some seconds: nothing is stored twice,
 * and a value is returned only after its commit.
 */
export class PostgresDatabase implements Queries {
  readonly #hosts: PostgresHosts
  readonly #pool: pg.Pool
  readonly #prepared = new WeakSet<pg.PoolClient>()
  readonly #patienceMs: number
  #isClosed = false

  /** `url` may name several hosts (postgres-hosts.ts); `patienceMs`: how long what fails for want of a connection is tried again. */
  constructor(url: string, patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs
    this.#hosts = new PostgresHosts(url)
    this.#pool = new pg.Pool({
      Client: clientAt(this.#hosts),
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
      keepAlive: true,
      application_name: 'y-sealed-relay',
      types: { getTypeParser: strictParser },
    })
    // A connection that breaks while nobody uses it; the next one who needs one gets another.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  /** A single statement that only reads, or does no harm when it is done twice. */
  query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#patiently(async () => {
      const client = await this.#connection()
      let isBroken = false
      try {
        return rowsOf<Row>(await client.query(statement(text, values)))
      } catch (error) {
        isBroken = isLost(error)
        throw error
      } finally {
        client.release(isBroken)
      }
    })
  }

  /** Throws what `run` throws, InDoubtError, or the last failure to reach the database. */
  transaction<T>(work: Work<T>): Promise<T> {
    // What the last attempt has returned, if its commit may have taken place.
    let doubt: { value: T } | undefined
    return this.#patiently(
      async () => {
        const client = await this.#connection()
        let failure: unknown
        try {
          const queries: Transaction = {
            execute: async (statements) => {
              await client.query(statements)
            },
            query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
              rowsOf<Row>(await client.query(statement(text, values))),
          }
          await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
          if (doubt && (await work.isThere?.(queries, doubt.value))) {
            // Not a rollback: whoever was killed within that commit has it, and a standby that must have it may not. The lock above is
            // written down, so that this commit waits for the standby, and what came before it is there then.
            await client.query('COMMIT')
            return doubt.value
          }
          doubt = undefined
          const value = await work.run(queries)
          const isKept = work.isKept?.(value) ?? true
          if (isKept) doubt = { value }
          await client.query(isKept ? 'COMMIT' : 'ROLLBACK')
          return value
        } catch (error) {
          failure = error
          if (!isLost(error)) {
            // The server has said no, to the commit too: nothing of it is there.
            doubt = undefined
            await client.query('ROLLBACK').catch(() => {})
          }
          throw error
        } finally {
          client.release(failure !== undefined && isLost(failure))
        }
      },
      () => doubt !== undefined,
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.end()
  }

  /** One that nobody uses, to be released. */
  async #connection(): Promise<pg.PoolClient> {
    const host = this.#hosts.current
    let client: pg.PoolClient | undefined
    try {
      client = await this.#pool.connect()
      if (this.#prepared.has(client)) return client
      const [server] = rowsOf<{ is_standby: boolean }>(await client.query(PREPARE, [String(IDLE_IN_TRANSACTION_MS)]))
      if (server?.is_standby !== false) throw new StandbyError()
      this.#prepared.add(client)
      return client
    } catch (error) {
      client?.release(true)
      // Also where all connections are in use: they wait for a host that answers nobody.
      this.#hosts.leave(host)
      throw error
    }
  }

  async #patiently<T>(attempt: () => Promise<T>, isInDoubt: () => boolean = () => false): Promise<T> {
    const deadline = performance.now() + this.#patienceMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        const mayRetry = (isLost(error) || isPassing(error)) && !this.#isClosed && performance.now() < deadline
        if (!mayRetry) throw isInDoubt() ? new InDoubtError({ cause: error }) : error
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }
}

// An ack is durable whatever somebody has set for the database; a stronger setting stays.
// Who cannot write is a standby: what it reads may be behind what was acked.
const PREPARE = `SELECT current_setting('transaction_read_only') = 'on' AS is_standby,
  set_config('idle_in_transaction_session_timeout', $1, false),
  CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN set_config('synchronous_commit', 'on', false) END`

/** A server that only reads, for now; another one may write. */
class StandbyError extends Error {
  /** `read_only_sql_transaction`, as PostgreSQL has it. */
  readonly code = '25006'
}

const names = new Map<string, string>()

/** Prepared once on each connection. The texts are constants of these files, so their number is bounded. */
function statement(text: string, values: readonly unknown[]): pg.QueryConfig {
  let name = names.get(text)
  if (name === undefined) {
    name = `s${names.size}`
    names.set(text, name)
  }
  return { name, text, values: [...values] }
}

function rowsOf<Row extends object>({ rows }: { rows: unknown[] }): Row[] {
  // The driver's rows are untyped; whoever writes a statement names the type of its row.
  return rows as Row[]
}

// bigint comes as text: a number that is none, or too large to be exact, must not become another one.
function strictParser(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8) return parseInteger
  if (oid === BYTEA) return parseBytes
  return format === undefined ? pg.types.getTypeParser(oid) : pg.types.getTypeParser(oid, format)
}

function parseInteger(text: string): number {
  const value = Number(text)
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new RelayError('storage', 'a number in the store is no safe integer')
}

/** Plain bytes, as every store gives them: a Buffer's slices would be views, where theirs are copies. */
function parseBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.slice(2), 'hex')
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

// Classes 08 (connection), 57P (shut down, starting up), and what Node says of sockets. Without a code: the driver's own words.
const LOST_CODES = /^(08...|57P0[1-5]|E[A-Z]+)$/
const LOST_WORDS = /terminated|timeout|timed out|not queryable|closed/i

/** The connection is lost, or never came about. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof RelayError) return false
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? LOST_CODES.test(code) : LOST_WORDS.test(error.message)
}

// Too many connections, a deadlock or a conflict that has undone everything, a standby that is about to become the primary.
const PASSING_CODES = new Set(['53300', '40001', '40P01', '25006'])

/** Nothing of it was stored, and the next attempt may find it over. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && PASSING_CODES.has(String(error.code))
}
