import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { end, type RunningDemo, spawnStart, startDemo } from '../browser/running-demo.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 20_000
const RELAY = 8787 + PORT_OFFSET
const KEYS = 8788 + PORT_OFFSET
const DEMO = 8080 + PORT_OFFSET

// Three processes start and end several times per story.
describe('npm start', { timeout: 90_000 }, () => {
  const running: RunningDemo[] = []
  const start = async () => {
    const demo = await startDemo(PORT_OFFSET)
    running.push(demo)
    return demo
  }
  afterEach(async () => {
    for (const demo of running.splice(0)) await demo.dispose()
  })

  it('prints one URL; relay, keys and page answer on loopback; Ctrl-C ends all three', async () => {
    const demo = await start()
    expect(demo.output.match(/https?:\/\/|ws:\/\//g)).toHaveLength(1)
    expect(demo.url).toBe(`http://127.0.0.1:${DEMO}`)
    for (const port of [RELAY, KEYS, DEMO]) expect(await (await fetch(health(port))).json()).toEqual({ status: 'ok' })
    expect(await demo.interrupt()).toBe(0)
    for (const port of [RELAY, KEYS, DEMO]) await expect(fetch(health(port))).rejects.toThrow()
  })

  it('keeps its secrets to itself: four different ones, mode 600, in folders of mode 700', async () => {
    const { data } = await start()
    const secrets = readdirSync(join(data, 'secrets')).map((name) => join(data, 'secrets', name))
    expect(secrets).toHaveLength(4)
    expect(new Set(secrets.map((path) => readFileSync(path, 'utf8'))).size).toBe(4)
    expect(new Set(secrets.map(modeOf))).toEqual(new Set(['600']))
    for (const folder of ['', 'secrets', 'relay', 'keys', 'demo', 'logs'])
      expect(modeOf(join(data, folder)), folder).toBe('700')
  })

  it('takes the next free port where one is taken, and leaves the other server alone', async () => {
    const other = await listen(DEMO)
    try {
      const demo = await start()
      expect(demo.url).toBe(`http://127.0.0.1:${DEMO + 1}`)
      expect((await fetch(demo.url)).status).toBe(200)
    } finally {
      other.close()
    }
  })

  it('a second start on the same data says who is there and touches nothing', async () => {
    const { data, url } = await start()
    const second = spawnStart(data, PORT_OFFSET)
    let output = ''
    second.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    expect(await new Promise((resolve) => second.once('close', resolve))).toBe(1)
    expect(output).toMatch(/process \d+ already runs on this folder/)
    expect((await fetch(url)).status).toBe(200)
  })

  it('SIGTERM, as a supervisor sends it, is as good as Ctrl-C', async () => {
    const demo = await start()
    await demo.dispose()
    await expect(fetch(health(RELAY))).rejects.toThrow()
  })

  it('a server that dies takes the others with it, and the reason is told', async () => {
    const { data } = await start()
    const blocked = join(data, 'secrets/relay-tokens')
    await running.splice(0)[0]?.interrupt()
    // A secret that the relay refuses: it ends at once.
    writeFileSync(blocked, 'short\n')
    const child = spawnStart(data, PORT_OFFSET)
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
    expect(output).toMatch(/The relay ended \(exit code 1\):[\s\S]*32 bytes/)
    expect(output).not.toContain('short')
    await expect(fetch(health(KEYS))).rejects.toThrow()
    await end(child, 'SIGTERM')
  })
})

const health = (port: number) => `http://127.0.0.1:${port}/healthz`
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
