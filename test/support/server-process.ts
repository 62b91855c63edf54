import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ownPort } from '../bin/own-port.mjs'
import { projectRoot } from './project-root.ts'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Everything that any run of this server has printed, on either stream. */
  readonly output: string
  /** kill -9: no handler runs, nothing is flushed. */
  kill(): Promise<void>
  /** Starts again on the same port and the same data. */
  restart(): Promise<void>
  /** The polite end. Resolves with the exit code. */
  stop(): Promise<number | null>
}

// A cold start on a busy machine of two cores takes a second or two.
const START_PATIENCE_MS = 30_000

/**
 * Runs a built server as a process of its own, exactly as an operator would, on a free loopback port.
 * `bin` is relative to the project, such as `server/relay/dist/main.js`; it prints `… listening on <url>`.
 */
export async function startServerProcess(bin: string, flags: Record<string, string>): Promise<ServerProcess> {
  const path = join(projectRoot(), bin)
  if (!existsSync(path)) throw new Error(`${bin} is not built yet: npm run build`)
  let output = ''
  let url = ''
  let child: ChildProcess

  const start = async (port: string): Promise<void> => {
    const args = Object.entries({ ...flags, port }).flatMap(([flag, value]) => [`--${flag}`, value])
    child = spawn(process.execPath, [path, ...args], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
    const startedAt = output.length
    url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${bin} did not start:\n${output}`)), START_PATIENCE_MS)
      const note = (chunk: Buffer): void => {
        output += chunk.toString('utf8')
        const listening = /listening on ([a-z]+:\/\/[^\s"]+)/.exec(output.slice(startedAt))
        if (listening?.[1] === undefined) return
        clearTimeout(timer)
        resolve(listening[1])
      }
      child.stdout?.on('data', note)
      child.stderr?.on('data', note)
      child.once('exit', (code) => {
        clearTimeout(timer)
        reject(new Error(`${bin} ended with ${code}:\n${output}`))
      })
    })
  }

  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
    return new Promise((resolve) => {
      child.once('close', (code) => resolve(code))
      child.kill(signal)
    })
  }

  await start(String(await ownPort()))
  return {
    get url() {
      return url
    },
    get pid() {
      return child.pid ?? 0
    },
    get output() {
      return output
    },
    async kill() {
      await end('SIGKILL')
    },
    restart: () => start(new URL(url).port),
    stop: () => end('SIGTERM'),
  }
}

/** Without what the test runner put there, and without settings of a developer's own server. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith('Y_SEALED_') && !name.startsWith('VITEST') && !['NODE_ENV', 'NODE_OPTIONS'].includes(name),
  )
  return Object.fromEntries(kept)
}
