import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyEndpoint } from '@y-sealed/key-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onPath } from '../bin/debian.mjs'
import { type Conformance, proveEndpoint } from '../support/conformance.ts'
import { patiently, untilText } from '../support/events.ts'
import { ORIGIN, USERS } from '../support/minimal-endpoint.ts'
import { projectRoot } from '../support/project-root.ts'
import { someProblem } from '../support/steps.ts'
import { startWorld } from '../support/world.ts'

// The endpoints of docs/write-your-own-endpoint.md, each run by its interpreter as the page says.

const EXAMPLES = join(projectRoot(), 'server/key-endpoint/examples')

/** A cold interpreter on a busy machine. */
const START_PATIENCE_MS = 30_000

interface Example {
  readonly command: string
  /** Arguments and environment for a port and a folder that has `users.json`. */
  run(port: number, folder: string): { args: string[]; env: Record<string, string> }
}

const LANGUAGES: Record<string, Example> = {
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
function writeUsers(folder: string): void {
  const known = Object.entries(USERS).filter(([name]) => name !== 'invalid')
  const users = known.map(([name, { authorization }]) => [
    createHash('sha256').update(authorization.slice('Bearer '.length)).digest('hex'),
    { role: name === 'reader' ? 'read' : 'write', documents: name === 'outsider' ? ['elsewhere'] : ['conformance-*'] },
  ])
  writeFileSync(join(folder, 'users.json'), JSON.stringify(Object.fromEntries(users)))
}

describe.each(Object.entries(LANGUAGES))('the endpoint in %s', (_language, { command, run }) => {
  it.skipIf(onPath(command) === undefined)(
    'keeps every rule, serves people who write and rotate, gives its keys again after kill -9, and logs none of them',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'y-sealed-language-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      writeUsers(folder)
      const log = join(folder, 'log.txt')
      const memory = join(folder, 'memory.json')

      const prove = async (...flags: string[]): Promise<Conformance> => {
        const port = await freePort()
        const { args, env } = run(port, folder)
        const server = spawn(command, args, { env: { ...process.env, ...env }, detached: true })
        let printed = ''
        for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (printed += chunk))
        const url = `http://127.0.0.1:${port}/keys`
        try {
          await untilAnswered(url, server)
          writeFileSync(log, printed)
          const report = await proveEndpoint(url, USERS, '--origin', ORIGIN, '--memory', memory, ...flags)
          writeFileSync(log, printed)
          if (flags.length === 0) await peopleWrite(url)
          return report
        } finally {
          await kill(server)
        }
      }

      const first = await prove()
      expect(first).toMatchObject({ exitCode: 0, failed: [], weaker: [] })
      expect(Object.keys(first.skipped).sort()).toEqual(['KE11', 'KE17', 'KE18', 'KE19', 'KE20', 'KE3', 'KE8'])
      const second = await prove('--only', 'KE3,KE20', '--log', log)
      expect([second.exitCode, second.passed.sort(), second.failed]).toEqual([0, ['KE20', 'KE3'], []])
    },
    120_000,
  )
})

/** One that was free a moment ago: PHP cannot be asked for any. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  // A TCP server has an AddressInfo.
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Two people and a rotation, a reader who comes later, and somebody who may not. */
async function peopleWrite(url: string): Promise<void> {
  const world = await startWorld()
  const as = (user: keyof typeof USERS) => ({
    keys: keyEndpoint(url, { headers: USERS[user] }),
    room: 'conformance-room',
  })
  try {
    const ada = await world.joined('Ada', as('writer'))
    ada.text.insert(0, 'before, ')
    await patiently(ada.provider.flush(), 'the first words')
    const bob = await world.joined('Bob', as('colleague'))
    await patiently(ada.provider.rotateKey(), 'the rotation')
    bob.text.insert(bob.text.length, 'and after')
    await untilText(ada.doc, 'before, and after')
    await patiently(bob.provider.flush(), 'the last words')
    const reader = await world.joined('a reader', as('reader'))
    expect([reader.text.toString(), reader.provider.freshness]).toEqual(['before, and after', 'endpoint'])
    const outsider = world.person('an outsider', { ...as('outsider'), expects: ['key-refused'] })
    await someProblem(outsider)
    expect(outsider.text.toString()).toBe('')
  } finally {
    await world.close()
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
