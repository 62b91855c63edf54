import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownPort } from '../bin/own-port.mjs'
import { ORIGIN, USERS } from './minimal-endpoint.ts'
import { projectRoot } from './project-root.ts'

// The endpoints of docs/write-your-own-endpoint.md, each run by its interpreter as the page says.

const EXAMPLES = join(projectRoot(), 'server/key-endpoint/examples')

/** A cold interpreter on a busy machine. */
const START_PATIENCE_MS = 30_000

export interface Example {
  readonly command: string
  /** Arguments and environment for a port and a folder that has `users.json`. */
  run(port: number, folder: string): { args: string[]; env: Record<string, string> }
}

export const LANGUAGES: Record<string, Example> = {
  Python: {
    command: 'python3',
    run: (port, folder) => ({
      args: [
        ...[join(EXAMPLES, 'key-endpoint.py'), '--port', String(port), '--origin', ORIGIN],
        ...['--data', join(folder, 'keys.sqlite'), '--users', join(folder, 'users.json')],
      ],
      env: {},
    }),
  },
  PHP: {
    command: 'php',
    run: (port, folder) => ({
      args: [
        ...['-d', 'display_errors=0', '-d', 'enable_post_data_reading=0'],
        ...['-S', `127.0.0.1:${port}`, join(EXAMPLES, 'key-endpoint.php')],
      ],
      env: {
        KEYS_DATA: folder,
        KEYS_USERS: join(folder, 'users.json'),
        KEYS_ORIGINS: ORIGIN,
        // Else it answers one after the other, and no two would ever ask at once.
        PHP_CLI_SERVER_WORKERS: '4',
      },
    }),
  },
}

/** The users that the command asks as, as both examples keep them. */
export function writeUsers(folder: string): void {
  const known = Object.entries(USERS).filter(([name]) => name !== 'invalid')
  const users = known.map(([name, { authorization }]) => [
    createHash('sha256').update(authorization.slice('Bearer '.length)).digest('hex'),
    { role: name === 'reader' ? 'read' : 'write', documents: name === 'outsider' ? ['elsewhere'] : ['conformance-*'] },
  ])
  writeFileSync(join(folder, 'users.json'), JSON.stringify(Object.fromEntries(users)))
}

export interface ForeignEndpoint {
  readonly url: string
  /** What it has printed until now. */
  readonly output: string
  /** kill -9 of it and its workers. */
  kill(): Promise<void>
}

/** Starts one that keeps its data in this folder, which has `users.json` (`writeUsers`). */
export async function startForeignEndpoint({ command, run }: Example, folder: string): Promise<ForeignEndpoint> {
  const port = await ownPort()
  const { args, env } = run(port, folder)
  const server = spawn(command, args, { env: { ...process.env, ...env }, detached: true })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  const url = `http://127.0.0.1:${port}/keys`
  try {
    await untilAnswered(url, server)
  } catch (error) {
    await kill(server)
    throw error
  }
  return {
    url,
    get output() {
      return output
    },
    kill: () => kill(server),
  }
}

async function untilAnswered(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_PATIENCE_MS
  while (server.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(url, { method: 'OPTIONS' }).catch(() => undefined)
    if (answer) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`it did not start: ${server.exitCode}`)
}

/** With all its workers, which are in its group. */
async function kill(server: ChildProcess): Promise<void> {
  if (server.pid === undefined) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  process.kill(-server.pid, 'SIGKILL')
  if (server.exitCode === null) await ended
}
