import { createRelay as createOneRelay, type Relay, type RelayOptions } from '@y-sealed/relay'
import pg from 'pg'
import type { ChildDatabase } from '../bin/child-database.mjs'
import { waitForDatabases } from './databases-at-rest.ts'
import { freshPostgres, skipPostgresTests } from './postgres.ts'
import { skipRedisTests, startOwnRedis } from './redis.ts'

// A story knows one relay. Here it may be three of one store, in this process, with its clock, limits and tokens: whoever connects is at the
// next of them, so that each person is at another one, and an operator's acts come from the next one too.

const COUNT = 3

const HOUR_MS = 3_600_000

// Each timer of a fake clock waits for the databases. Nothing is lost on a bus that nobody hits; where time is real, all is as operators have it.
const SELDOM = { pollMs: HOUR_MS, nodeAliveMs: HOUR_MS, nodeLostMs: 100 * HOUR_MS }

let areOn = process.env.Y_SEALED_TEST_NODES === '1'

/** From here on the relays of stories are three each. */
export function tellOnNodes(): void {
  areOn = true
}

/** For the few stories that take the place of one relay's process or its file: `it.skipIf(onNodes())`. */
export function onNodes(): boolean {
  return areOn
}

/** As the relay's own, but on nodes, where stories are told on those, three instead of one in memory. */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  if (!areOn || options.data !== 'memory') return createOneRelay(options)
  const { data: _, ...rest } = options
  return (await Nodes.start(rest)).relay
}

let redis: Promise<ChildDatabase> | undefined

async function startBus(): Promise<ChildDatabase> {
  const started = await startOwnRedis()
  waitForDatabases(started.url)
  return started
}

/** Three relays of one store of their own. */
export class Nodes {
  #options: RelayOptions
  #store: string
  #ports: readonly number[] = Array.from({ length: COUNT }, () => 0)
  #relays: Relay[] = []
  #turn = 0
  /** What an operator has done to the store of the stopped relays: done before they start. */
  #acts: (() => Promise<void>)[] = []
  readonly relay: Relay

  private constructor(options: RelayOptions, store: string) {
    this.#options = options
    this.#store = store
    this.relay = this.#asOne()
  }

  static async start(options: RelayOptions): Promise<Nodes> {
    const nodes = new Nodes(options, await freshPostgres())
    await nodes.start()
    return nodes
  }

  get urls(): string[] {
    return this.#ports.map((port) => `ws://127.0.0.1:${port}`)
  }

  /** On the same ports and the same data. */
  async start(): Promise<void> {
    for (const act of this.#acts.splice(0)) await act()
    redis ??= startBus()
    const { url: bus } = await redis
    const { clock, limits } = this.#options
    const options = {
      ...this.#options,
      ...{ store: this.#store, bus },
      limits: { ...(clock && SELDOM), ...limits },
    }
    this.#relays = await Promise.all(this.#ports.map((port) => createOneRelay({ ...options, port })))
    this.#ports = this.#relays.map(({ url }) => Number(new URL(url).port))
    await Promise.all(this.#relays.map(untilReady))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#relays.splice(0).map((relay) => relay.close()))
  }

  /** The store is lost. */
  wipe(): void {
    this.#acts.push(async () => {
      this.#store = await freshPostgres()
    })
  }

  /** The store as it is, to be restored later. */
  backup(): () => void {
    let copy: string | undefined
    this.#acts.push(async () => {
      copy = await copyOf(this.#store)
    })
    return () => {
      this.#acts.push(async () => {
        if (copy !== undefined) this.#store = await copyOf(copy)
      })
    }
  }

  /** Everything that the store has, as text. */
  async dump(): Promise<string> {
    return await withClient(this.#store, async (client) => {
      let dump = ''
      for (const table of await tablesOf(client)) {
        const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`)
        dump += rows.map(({ row }) => `${row}\n`).join('')
      }
      return dump
    })
  }

  #next(): Relay {
    const relay = this.#relays[this.#turn++ % COUNT]
    if (!relay) throw new Error('the relays are stopped')
    return relay
  }

  #asOne(): Relay {
    const nodes = this
    return {
      get url() {
        return nodes.urls[nodes.#turn++ % COUNT] ?? ''
      },
      recheck: (room) => this.#next().recheck(room),
      usage: (room) => this.#next().usage(room),
      keptEpochs: (room) => this.#next().keptEpochs(room),
      sessions: async (room) => (await Promise.all(this.#relays.map((relay) => relay.sessions(room)))).flat(),
      closeSessions: (which) => this.#next().closeSessions(which),
      deleteDocument: (room) => this.#next().deleteDocument(room),
      close: () => this.stop(),
    }
  }
}

/** Whether the bus is heard: what is said before is found within a second, and here nobody's clock may pass it. */
async function untilReady({ url }: Relay): Promise<void> {
  while (!(await fetch(`${url.replace('ws:', 'http:')}/readyz`)).ok) await new Promise(setImmediate)
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
  )
  return rows.map(({ name }) => name)
}

/** A store with the same in it. */
async function copyOf(store: string): Promise<string> {
  const copy = await freshPostgres()
  const schema = await withClient(copy, async (client) => {
    const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name')
    return rows[0]?.name
  })
  await withClient(store, async (client) => {
    for (const table of await tablesOf(client)) {
      await client.query(`CREATE TABLE ${schema}.${table} (LIKE ${table} INCLUDING ALL)`)
      await client.query(`INSERT INTO ${schema}.${table} SELECT * FROM ${table}`)
    }
  })
  return copy
}

export const skipNodeTests = skipPostgresTests || skipRedisTests
