import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDemoApp } from '../../../demo-editor/server/demo-app.ts'

const secretOf = (name: string) => new TextEncoder().encode(name.padEnd(43, '-'))
const RELAY_SECRET = secretOf('relay')
const KEYS_SECRET = secretOf('keys')
const SIGN_IN_SECRET = secretOf('sign-in')

describe('the demo’s sign-in', () => {
  let server: Server
  let origin: string

  beforeAll(async () => {
    server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on TCP
    const app = createDemoApp({
      origin,
      relayUrl: 'ws://127.0.0.1:1',
      keysUrl: 'http://127.0.0.1:2/keys',
      relaySecret: RELAY_SECRET,
      keysSecret: KEYS_SECRET,
      signInSecret: SIGN_IN_SECRET,
      relayAdminUrl: 'http://127.0.0.1:1/admin/',
      relayAdminToken: '',
      pageFolder: import.meta.dirname,
    })
    server.on('request', app)
  })
  afterAll(() => {
    server.close()
  })

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(origin + path, { method: 'POST', body, headers: { origin, 'content-type': 'application/json', ...headers } })
  const signIn = async (name: string) => (await (await post('/sign-in', JSON.stringify({ name }))).json()).pass
  const access = (pass: unknown, document: unknown) => post('/access', JSON.stringify({ pass, document }))

  it('two tokens: another audience and another secret each, good for the one document, for ten minutes and for ten seconds', async () => {
    const { relayToken, keysToken, name, relayUrl } = await (await access(await signIn(' Alice '), 'plans')).json()
    expect(name).toBe('Alice')
    expect(relayUrl).toBe('ws://127.0.0.1:1')
    const relay = (await jwtVerify(relayToken, RELAY_SECRET, { audience: 'y-sealed-relay' })).payload
    const keys = (await jwtVerify(keysToken, KEYS_SECRET, { audience: 'y-sealed-keys' })).payload
    expect(relay).toMatchObject({ role: 'write', rooms: ['plans'] })
    expect(keys).toMatchObject({ role: 'write', documents: ['plans'], sub: 'Alice' })
    expect([relay, keys].map(({ exp = 0, iat = 0 }) => exp - iat)).toEqual([600, 10])
    await expect(jwtVerify(relayToken, KEYS_SECRET)).rejects.toThrow()
  })

  it('the relay’s token does not say who it is, and says the same of the same person', async () => {
    const subjectOf = async (name: string) =>
      decodeJwt((await (await access(await signIn(name), 'a')).json()).relayToken).sub
    const [alice, again, bob] = [await subjectOf('Alice'), await subjectOf('Alice'), await subjectOf('Bob')]
    expect(alice).toBe(again)
    expect(alice).not.toBe(bob)
    expect(alice).not.toMatch(/alice/i)
  })

  it('a pass cannot be read, edited or made by others', async () => {
    const pass: string = await signIn('Alice')
    for (const part of pass.split('.')) expect(Buffer.from(part, 'base64url').toString()).not.toContain('Alice')
    const edited = pass.slice(0, -2) + (pass.endsWith('AA') ? 'BB' : 'AA')
    const foreign = await new SignJWT({ name: 'Alice' })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('y-sealed-demo')
      .setExpirationTime('1h')
      .sign(SIGN_IN_SECRET)
    for (const bad of [edited, foreign, '', null, 7, {}]) expect((await access(bad, 'plans')).status).toBe(401)
  })

  it('a foreign page gets nothing: another origin, none at all, a form’s content type, another host name', async () => {
    const body = JSON.stringify({ name: 'Alice' })
    expect((await post('/sign-in', body, { origin: 'https://attacker.example' })).status).toBe(403)
    expect((await post('/sign-in', body, { origin: 'null' })).status).toBe(403)
    expect((await fetch(`${origin}/sign-in`, { method: 'POST', body })).status).toBe(403)
    expect((await post('/sign-in', body, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post('/sign-in', body, { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
    expect(await statusForHost('rebound.attacker.example')).toBe(421)
    expect((await fetch(`${origin}/sign-in`)).status).toBe(404)
  })

  it('refuses what is no name and no document name', async () => {
    const names = ['', '  ', 'x'.repeat(41), 'a\u0000b', 'a\nb', '\u202Eecila', '\ud800', 7, null, ['Alice'], {}]
    for (const name of names) expect((await post('/sign-in', JSON.stringify({ name }))).status, String(name)).toBe(400)
    const pass = await signIn('Alice')
    const documents = ['', '*', 'plans*', '../plans', 'a b', 'x'.repeat(101), '-plans', 7, null]
    for (const document of documents) expect((await access(pass, document)).status, String(document)).toBe(400)
  })

  it('answers broken and oversized bodies without quoting them', async () => {
    for (const body of ['{"name": "secret', '[]', '"secret"', `{"name":"${'secret'.repeat(3000)}"}`]) {
      const response = await post('/sign-in', body)
      expect(response.status).toBe(400)
      expect(await response.text()).not.toContain('secret')
    }
  })

  it('is never cached, and its policy has no unsafe- in it', async () => {
    const response = await post('/sign-in', JSON.stringify({ name: 'Alice' }))
    expect(response.headers.get('cache-control')).toBe('no-store')
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self' ws://127.0.0.1:1 http://127.0.0.1:2;")
    expect(policy).toContain("img-src 'self' data:;")
    expect(policy.replace("img-src 'self' data:;", '')).not.toMatch(/unsafe-|\*|data:/)
  })

  /** fetch does not let us choose the Host header. */
  function statusForHost(host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const sent = request(`${origin}/sign-in`, { method: 'POST', headers: { host, origin } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.once('error', reject)
      sent.end()
    })
  }
})
