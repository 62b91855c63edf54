import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Call, callsTo } from '../processes/calls.ts'
import { type Child, startChild } from '../processes/children.ts'
import type { Usage } from '../processes/probe.ts'
import { compiledFolder, projectRoot } from '../servers/places.ts'
import { makeScratchFolder } from '../servers/scratch-folder.ts'
import { addressOf } from '../servers/start-server.ts'

/** As in test/bin/child-database.mjs. */
export interface Database {
  readonly url: string
  readonly processId: number
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface Node {
  readonly url: string
  readonly processId: number
  usage(): Promise<Usage>
  kill(): Promise<void>
  restart(): Promise<void>
  end(): Promise<void>
}

/** One relay as a process, with these flags. */
export async function startNode(name: string, flags: readonly string[]): Promise<Node> {
  let child: Child
  let call: Call
  let url = ''
  const start = async (port: number): Promise<void> => {
    // What the server can do is measured, not what one session may.
    const limits = ['--limit', 'appendBurst=1e9,appendsPerSecond=1e9']
    const probe = join(compiledFolder, 'processes/probe.js')
    const script = join(projectRoot, 'server/relay/dist/main.js')
    child = startChild(name, process.execPath, [
      ...['--expose-gc', '--import', probe, script, '--port', String(port)],
      ...flags,
      ...limits,
    ])
    call = callsTo(child)
    url = await addressOf(child)
  }
  const { ownPort } = await loadScript<{ ownPort(): Promise<number> }>('own-port')
  await start(await ownPort())
  return {
    get url() {
      return url
    },
    get processId() {
      return child.processId
    },
    usage: () => call<Usage>('usage'),
    kill: () => child.kill(),
    restart: () => start(Number(new URL(url).port)),
    end: () => child.end(),
  }
}

/** Plain JavaScript, which is not compiled with these files. */
async function loadScript<Module>(name: string): Promise<Module> {
  return (await import(pathToFileURL(join(projectRoot, `test/bin/${name}.mjs`)).href)) as Module
}

export interface Databases {
  readonly postgres: Database
  readonly redis: Database
  /** kill -9, and another one on its port. */
  killRedis(): Promise<void>
  startRedis(): Promise<void>
  stop(): Promise<void>
}

/** A PostgreSQL that waits for the disk, and a Redis. Throws where this machine has none and nobody may install them. */
export async function startDatabases(): Promise<Databases> {
  const { providePostgres, startPostgres } = await loadScript<{
    providePostgres(): Promise<string | undefined>
    startPostgres(binaries: string): Promise<Database>
  }>('postgres')
  const { provideRedis, startRedis } = await loadScript<{
    provideRedis(): Promise<string | undefined>
    startRedis(command: string, port?: number): Promise<Database>
  }>('redis')
  const binaries = await providePostgres()
  const command = await provideRedis()
  if (binaries === undefined || command === undefined) throw new Error('no PostgreSQL or no Redis on this machine')
  const postgres = await startPostgres(binaries)
  let redis = await startRedis(command)
  return {
    postgres,
    get redis() {
      return redis
    },
    killRedis: () => redis.kill(),
    async startRedis() {
      redis = await startRedis(command, Number(new URL(redis.url).port))
    },
    async stop() {
      await redis.stop()
      await postgres.stop()
    },
  }
}

/** Flags of relays on these databases; without them: of one on a SQLite folder of its own. */
export function flagsFor(databases: Databases | undefined): string[] {
  if (!databases) return ['--data', makeScratchFolder('load')]
  // A killed node's cursors are gone a second and a half later, so that a run of seconds sees it.
  const lost = ['--limit', 'nodeAliveMs=300,nodeLostMs=1500']
  return ['--store', databases.postgres.url, '--bus', databases.redis.url, ...lost]
}

const LOOK_EVERY_MS = 20

/** ms until store and bus answer at this node. */
export async function untilReady(url: string): Promise<number> {
  const since = performance.now()
  const isReady = () =>
    fetch(`${url.replace('ws:', 'http:')}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) await after(LOOK_EVERY_MS)
  return performance.now() - since
}
