import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AccessRequest, createRelay, DEFAULT_RELAY_LIMITS, type Relay, type RelayOptions } from '@y-sealed/relay'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { ownPort } from '../bin/own-port.mjs'
import { patiently, untilText } from '../support/events.ts'
import { ownNginx, skipNginxTests } from '../support/nginx.ts'
import { projectRoot } from '../support/project-root.ts'

const QUIET = { info() {}, warn() {}, error() {} }
const ADMIN = 'the operator, and nobody else, has this token'
const CONFIG = readFileSync(join(projectRoot(), 'server/relay/deploy/nginx.conf'), 'utf8')

/** The relay behind nginx with the configuration that we ship, but for its ports, its certificate and how long it waits for who is idle. */
async function behindNginx(options: Partial<RelayOptions> = {}, idle = '75s'): Promise<{ relay: Relay; url: string }> {
  const relay = await createRelay({
    data: 'memory',
    port: 0,
    log: QUIET,
    admin: { token: ADMIN },
    trustedProxies: ['127.0.0.1'],
    ...options,
  })
  onTestFinished(() => relay.close())
  const port = await ownPort()
  const changes: [string, string][] = [
    ['server 127.0.0.1:8787;', `server ${new URL(relay.url).host};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
    ['ssl_certificate /etc/ssl/certs/relay.example.pem;', ''],
    ['ssl_certificate_key /etc/ssl/private/relay.example.key;', ''],
    ['proxy_read_timeout 75s;', `proxy_read_timeout ${idle};`],
    ['proxy_send_timeout 75s;', `proxy_send_timeout ${idle};`],
  ]
  let config = CONFIG
  for (const [shipped, here] of changes) {
    expect(config).toContain(shipped)
    config = config.replace(shipped, here)
  }
  await ownNginx(config)
  return { relay, url: `ws://127.0.0.1:${port}` }
}

it.skipIf(skipNginxTests)('two members write to each other through a sub-path; the operator is not there', async () => {
  const { relay, url } = await behindNginx()
  const keys = staticKey('a-key-that-nobody-guesses-0123456789')
  const members = ['/relay', '/relay/'].map((path) => {
    const doc = new Y.Doc()
    const provider = new SealedProvider(`${url}${path}`, 'room', doc, { keys, WebSocketPolyfill: WebSocket })
    onTestFinished(() => provider.destroy())
    return { doc, provider }
  })
  await Promise.all(members.map(({ provider }) => patiently(provider.whenSynced, 'a member behind nginx')))
  members[0]?.doc.getText('text').insert(0, 'through a proxy')
  await untilText(members[1]?.doc ?? new Y.Doc(), 'through a proxy')
  const http = url.replace('ws', 'http')
  const headers = { authorization: `Bearer ${ADMIN}` }
  expect((await fetch(`${http}/relay/healthz`)).status).toBe(200)
  expect((await fetch(`${relay.url.replace('ws', 'http')}/metrics`, { headers })).status).toBe(200)
  expect((await fetch(`${http}/relay/metrics`, { headers })).status).toBe(404)
  for (const path of ['admin/usage', 'admin/', '%61dmin/usage', './admin/usage', '/admin/usage']) {
    const response = await fetch(`${http}/relay/${path}`, { method: 'POST', headers, body: '{}' })
    expect([path, response.status]).toEqual([path, 404])
  }
})

it.skipIf(skipNginxTests)("the relay knows the client's address, whatever the client says of it", async () => {
  const asked: AccessRequest[] = []
  const auth = async (_: string, request: AccessRequest) => {
    asked.push(request)
    return { subject: 'somebody', role: 'write' } as const
  }
  const { url } = await behindNginx({ auth })
  class FromElsewhere extends WebSocket {
    constructor(address: string | URL) {
      super(address, { localAddress: '127.0.0.9', headers: { 'x-forwarded-for': '203.0.113.7' } })
    }
  }
  const keys = staticKey('a-key-that-nobody-guesses-0123456789')
  const options = { keys, WebSocketPolyfill: FromElsewhere }
  const provider = new SealedProvider(`${url}/relay`, 'room', new Y.Doc(), options)
  onTestFinished(() => provider.destroy())
  await patiently(provider.whenSynced, 'a member from elsewhere')
  expect(new Set(asked.map(({ address }) => address))).toEqual(new Set(['127.0.0.9']))
})

/** `closed`, or pings of the relay, whichever comes first. */
async function idleFor(url: string, pings: number): Promise<string> {
  const keys = staticKey('a-key-that-nobody-guesses-0123456789')
  class Tapped extends WebSocket {
    constructor(address: string | URL) {
      super(address)
      tapped.push(this)
    }
  }
  const tapped: WebSocket[] = []
  const provider = new SealedProvider(`${url}/relay`, 'room', new Y.Doc(), { keys, WebSocketPolyfill: Tapped })
  onTestFinished(() => provider.destroy())
  await patiently(provider.whenSynced, 'an idle member')
  return await new Promise((resolve) => {
    let heard = 0
    tapped[0]?.on('ping', () => ++heard === pings && resolve('pinged'))
    tapped[0]?.on('close', () => resolve('closed'))
  })
}

it.skipIf(skipNginxTests)(
  'who is idle is pinged often enough to stay: half of the silence that the relay allows is less than nginx waits',
  async () => {
    const [, seconds] = /proxy_read_timeout (\d+)s;/.exec(CONFIG) ?? []
    expect(Number(seconds) * 1_000).toBeGreaterThan(DEFAULT_RELAY_LIMITS.silenceMs)
    expect(Number(seconds)).toBeGreaterThan(60)
    // The same in small: a ping after each 2 s of silence, and a proxy that waits for 4. Three of them take longer than that.
    const often = await behindNginx({ limits: { silenceMs: 2_000 } }, '4s')
    expect(await idleFor(often.url, 3)).toBe('pinged')
    const seldom = await behindNginx({ limits: { silenceMs: 50_000 } }, '1s')
    expect(await idleFor(seldom.url, 1)).toBe('closed')
  },
  60_000,
)
