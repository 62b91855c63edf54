import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'

/** Two processes of the app on one database, behind one door that asks them in turn. */
export interface TwoInstances {
  readonly url: string
  /** What each has printed: its audit log. */
  readonly outputs: readonly string[]
  /** kill -9 of both. */
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startTwoInstances(
  folder: string,
  database: string,
  pages: string,
  passwords: Readonly<Record<string, string>>,
): Promise<TwoInstances> {
  const settings = join(folder, 'settings.json')
  const secret = () => randomBytes(32).toString('base64')
  const shared = { database, pages, passwords, masterKey: secret(), sessionSecret: secret() }
  writeFileSync(settings, JSON.stringify(shared), { mode: 0o600 })
  const start = () => startServerProcess('test/key-demo/app.mjs', { settings })
  // One after the other: each makes the table of members if it is not there.
  const instances = [await start(), await start()]
  const door = await openDoor(instances)
  return {
    url: door.url,
    get outputs() {
      return instances.map(({ output }) => output)
    },
    async kill() {
      await Promise.all(instances.map((instance) => instance.kill()))
    },
    async restart() {
      await Promise.all(instances.map((instance) => instance.restart()))
    },
    async stop() {
      door.close()
      await Promise.all(instances.map((instance) => instance.kill()))
    },
  }
}

async function openDoor(instances: readonly ServerProcess[]): Promise<{ url: string; close(): void }> {
  let turn = 0
  const door = createServer((request, response) => {
    const { method, headers, url: path } = request
    const to = new URL(path ?? '/', instances[turn++ % instances.length]?.url)
    const passed = ask(to, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    })
    request.pipe(passed)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  return {
    // A TCP server has an AddressInfo.
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    close() {
      door.closeAllConnections()
      door.close()
    },
  }
}
