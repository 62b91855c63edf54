import pg from 'pg'
import type { ChildDatabase } from '../bin/child-database.mjs'
import { freshPostgres, skipPostgresTests } from './postgres.ts'
import { skipRedisTests, startOwnRedis } from './redis.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** Where there is no PostgreSQL or no Redis, what several relays do together is skipped by name. */
export const skipClusterTests = skipPostgresTests || skipRedisTests

// A node that was killed is gone for the others after a second and a half, where an operator's waits for fifteen.
const LIMITS = 'nodeAliveMs=300,nodeLostMs=1500'

export interface Cluster {
  readonly nodes: readonly ServerProcess[]
  readonly urls: readonly string[]
  /** kill -9 of Redis, and then another one on its port. */
  killRedis(): Promise<void>
  startRedis(): Promise<void>
  /** Ends every connection that the relays have to PostgreSQL, as a fail-over does. How many. */
  endConnections(): Promise<number>
  /** Whether store and bus answer at all nodes. */
  ready(): Promise<void>
  stop(): Promise<void>
}

/** So many relays as processes, on one PostgreSQL (default: an empty schema of the test run's) and one Redis. */
export async function startCluster(count = 3, store?: string): Promise<Cluster> {
  const name = `cluster_${process.pid}`
  const url = store ?? (await freshPostgres())
  let redis: ChildDatabase = await startOwnRedis()
  const flags = {
    store: `${url}${url.includes('?') ? '&' : '?'}application_name=${name}`,
    bus: redis.url,
    limit: LIMITS,
  }
  const nodes: ServerProcess[] = []
  for (let node = 0; node < count; node++) nodes.push(await startServerProcess('server/relay/dist/main.js', flags))
  const cluster: Cluster = {
    nodes,
    get urls() {
      return nodes.map((node) => node.url)
    },
    killRedis: () => redis.kill(),
    async startRedis() {
      redis = await startOwnRedis(Number(new URL(redis.url).port))
    },
    async endConnections() {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const { rowCount } = await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
        [name],
      )
      await client.end()
      return rowCount ?? 0
    },
    async ready() {
      for (const { url } of nodes) {
        while (!(await fetch(`${url.replace('ws:', 'http:')}/readyz`)).ok) await new Promise(setImmediate)
      }
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await redis.stop()
    },
  }
  await cluster.ready()
  return cluster
}
