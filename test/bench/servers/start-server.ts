import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type Call, callsTo } from '../processes/calls.ts'
import { type Child, startChild } from '../processes/children.ts'
import type { Usage } from '../processes/probe.ts'
import { commandOf } from './command-of.ts'
import { compiledFolder } from './places.ts'
import { makeScratchFolder, removeScratchFolder } from './scratch-folder.ts'
import type { ServerKind } from './server-kind.ts'

export interface Server {
  readonly kind: ServerKind
  readonly url: string
  readonly dataFolder: string
  /** The last that it has printed. */
  readonly output: string
  usage(): Promise<Usage>
  /** After a forced garbage collection. */
  settledUsage(): Promise<Usage>
  /** kill -9. */
  kill(): Promise<void>
  /** The polite end, if it still lives; then the same port and data again. */
  restart(): Promise<void>
  /** The polite end. Its data stay until it is disposed of. */
  stop(): Promise<void>
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

// A cold start on a busy machine of two cores takes a second or two.
const START_LIMIT_MS = 30_000

export interface StartSettings {
  /** Peers keep documents in memory unless asked; y-sealed always stores. */
  readonly isPersistent?: boolean
  /** y-sealed only; default: as it ships, `full`. */
  readonly durability?: 'os'
  /** A folder whose copy the server begins with. */
  readonly template?: string
}

/** Starts one server as a process of its own on a free loopback port, with a folder of its own for its data. */
export async function startServer(
  kind: ServerKind,
  node: string,
  { isPersistent = false, durability, template }: StartSettings = {},
): Promise<Server> {
  const dataFolder = makeScratchFolder(kind)
  if (template !== undefined) cpSync(template, dataFolder, { recursive: true })
  let child: Child
  let call: Call
  let url = ''

  async function start(port: number): Promise<void> {
    const { script, args, env } = commandOf(kind, { dataFolder, port, isPersistent, durability })
    const probe = join(compiledFolder, 'processes/probe.js')
    child = startChild(kind, node, ['--expose-gc', '--import', probe, script, ...args], { env })
    call = callsTo(child)
    url = await addressOf(child)
  }

  try {
    await start(0)
  } catch (error) {
    removeScratchFolder(dataFolder)
    throw error
  }
  return {
    kind,
    dataFolder,
    get url() {
      return url
    },
    get output() {
      return child.output
    },
    usage: () => call<Usage>('usage'),
    settledUsage: () => call<Usage>('usageAfterCollection'),
    kill: () => child.kill(),
    stop: () => child.end(),
    async restart() {
      await child.end()
      await start(Number(new URL(url).port))
    },
    async dispose() {
      await child.end()
      removeScratchFolder(dataFolder)
    },
  }
}

/** The address that a server prints when it listens. */
export function addressOf(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer)
      child.process.stdout?.off('data', look)
      settle()
    }
    const look = (): void => {
      const url = /listening on (ws:\/\/[^\s"]+)/.exec(child.output)?.[1]
      if (url !== undefined) finish(() => resolve(url))
    }
    const timer = setTimeout(() => {
      finish(() => reject(new Error(`${child.name} did not start:\n${child.output}`)))
      void child.kill()
    }, START_LIMIT_MS)
    child.process.stdout?.on('data', look)
    child.process.once('close', () => finish(() => reject(new Error(`${child.name} did not start:\n${child.output}`))))
  })
}
