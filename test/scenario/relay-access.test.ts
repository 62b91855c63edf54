import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Access, accessTokens, type Relay, type RelayOptions } from '@y-sealed/relay'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay, onNodes } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient } from './relay-raw-client.ts'

const SECRET = 'a secret of thirty-two bytes or more, for tests'
const QUIET = { info() {}, warn() {}, error() {} }
const ended: (() => unknown)[] = []

afterEach(async () => {
  vi.useRealTimers()
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(options: Partial<RelayOptions>): Promise<Relay> {
  const relay = await createRelay({ data: 'memory', port: 0, log: QUIET, ...options })
  ended.push(() => relay.close())
  return relay
}

async function greeted({ url }: Relay): Promise<RawClient> {
  const client = await RawClient.connect(url)
  ended.push(() => client.end())
  return client
}

/** The close code that a join with this token gets; undefined: it joined. */
async function refusedWith(relay: Relay, token: string): Promise<number | undefined> {
  const client = await greeted(relay)
  const answer = await Promise.race([client.join('room', { token }), client.hears('closed')])
  return answer.type === 'closed' ? answer.code : undefined
}

/** An issuer with a published key set. */
class Issuer {
  /** Requests for the set. */
  asked = 0
  answer: () => { status: number; body: string } = () => ({ status: 200, body: JSON.stringify({ keys: this.#public }) })
  readonly url: string
  readonly #server: Server
  #public: JWK[] = []
  #private: { key: CryptoKey; kid: string } | undefined

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    server.on('request', (_request, response) => {
      this.asked++
      const { status, body } = this.answer()
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  }

  static async start(): Promise<Issuer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const issuer = new Issuer(server)
    ended.push(() => {
      issuer.#server.closeAllConnections()
      issuer.#server.close()
    })
    await issuer.rotate('first')
    return issuer
  }

  /** From here on it signs with another key; the ones before stay in the set unless they are dropped. */
  async rotate(kid: string, { drop = false } = {}): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
    this.#public = drop ? [jwk] : [...this.#public, jwk]
    this.#private = { key: privateKey, kid }
  }

  token(claims: object = {}, kid = this.#private?.kid ?? ''): Promise<string> {
    return new SignJWT({ role: 'write', sub: 'ann', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setAudience('y-sealed-relay')
      .setExpirationTime('1h')
      .sign(this.#private!.key)
  }
}

describe('access tokens by a key set', () => {
  it('the set is fetched once for any number of joins', async () => {
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url }) })
    const joins = Array.from({ length: 20 }, async () => refusedWith(relay, await issuer.token()))
    expect(await Promise.all(joins)).toEqual(Array(20).fill(undefined))
    expect(issuer.asked).toBe(1)
  })

  it('a key that was rotated in is learned at once, after a cool-down that strangers cannot shorten', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url }) })
    expect(await refusedWith(relay, await issuer.token())).toBeUndefined()
    // A flood of tokens under keys that nobody has: the issuer does not feel it.
    for (let i = 0; i < 20; i++) expect(await refusedWith(relay, await issuer.token({}, `unknown ${i}`))).toBe(4401)
    expect(issuer.asked).toBe(1)
    await issuer.rotate('second')
    vi.setSystemTime(Date.now() + 31_000)
    expect(await refusedWith(relay, await issuer.token())).toBeUndefined()
    expect(issuer.asked).toBe(2)
  })

  it('a key that was taken out of the set is not taken any more after ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url }) })
    const old = await issuer.token()
    expect(await refusedWith(relay, old)).toBeUndefined()
    await issuer.rotate('second', { drop: true })
    vi.setSystemTime(Date.now() + 601_000)
    expect(await refusedWith(relay, old)).toBe(4401)
    expect(await refusedWith(relay, await issuer.token())).toBeUndefined()
  })

  it.each([
    ['is down', () => ({ status: 500, body: '' })],
    ['sends others elsewhere', () => ({ status: 302, body: '' })],
    ['answers with no key set', () => ({ status: 200, body: '{"keys": 7}' })],
    ['answers with half a key set', () => ({ status: 200, body: '{"keys": [' })],
    ['answers without end', () => ({ status: 200, body: `{"keys": [], "x": "${'x'.repeat(300_000)}"}` })],
  ])('an issuer that %s: 4500, to be tried again, and it is not asked by every join', async (_what, answer) => {
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url }) })
    const good = issuer.answer
    issuer.answer = answer
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    for (let i = 0; i < 10; i++) expect(await refusedWith(relay, await issuer.token())).toBe(4500)
    // A set that cannot be read is no failure to fetch: jose asks again for it, and only for one join at a time.
    expect(issuer.asked).toBeLessThanOrEqual(10)
    issuer.answer = good
    vi.setSystemTime(Date.now() + 31_000)
    expect(await refusedWith(relay, await issuer.token())).toBeUndefined()
  })

  it('who can read the set cannot make a token of it: a public key is no secret, and `none` no algorithm', async () => {
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url }) })
    const set = issuer.answer().body
    const forged = new SignJWT({ role: 'write', sub: 'mallory' })
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .setAudience('y-sealed-relay')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(set))
    expect(await refusedWith(relay, await forged)).toBe(4401)
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const claims = { role: 'write', sub: 'mallory', aud: 'y-sealed-relay', exp: 9_999_999_999 }
    expect(await refusedWith(relay, `${encode({ alg: 'none', kid: 'first' })}.${encode(claims)}.`)).toBe(4401)
  })

  it('the set travels over https, or within this machine', () => {
    expect(() => accessTokens({ jwksUrl: 'http://issuer.example/keys' })).toThrow(TypeError)
    expect(() => accessTokens({ jwksUrl: 'file:///etc/keys' })).toThrow(TypeError)
    expect(() => accessTokens({ jwksUrl: 'keys' })).toThrow(TypeError)
    accessTokens({ jwksUrl: 'https://issuer.example/keys' })
  })

  it('an issuer that is named must be the one', async () => {
    const issuer = await Issuer.start()
    const relay = await start({ auth: accessTokens({ jwksUrl: issuer.url, issuer: 'https://app.example' }) })
    expect(await refusedWith(relay, await issuer.token({ iss: 'https://app.example' }))).toBeUndefined()
    expect(await refusedWith(relay, await issuer.token({ iss: 'https://evil.example' }))).toBe(4401)
    expect(await refusedWith(relay, await issuer.token())).toBe(4401)
  })
})

describe('access tokens by a secret', () => {
  const auth = accessTokens({ secret: SECRET })
  const token = (claims: object, end: string | number = '1h', audience: string | string[] = 'y-sealed-relay') =>
    new SignJWT({ sub: 'ann', role: 'write', ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(audience)
      .setExpirationTime(end)
      .sign(new TextEncoder().encode(SECRET))

  // On nodes each says so.
  it.skipIf(onNodes())('are warned of once, when the relay starts', async () => {
    const warnings: string[] = []
    await start({ auth, log: { ...QUIET, warn: (event) => void warnings.push(event) } })
    expect(warnings).toEqual([expect.stringMatching(/key endpoint has the same one.*no end-to-end encryption/)])
  })

  it('a token for the relay and the key endpoint at once is good for neither', async () => {
    const relay = await start({ auth })
    expect(await refusedWith(relay, await token({}, '1h', ['y-sealed-relay', 'y-sealed-keys']))).toBe(4401)
    expect(await refusedWith(relay, await token({}, '1h', ['y-sealed-relay']))).toBeUndefined()
  })

  it('a clock that is a minute off is forgiven, and no more', async () => {
    const relay = await start({ auth })
    const seconds = Math.floor(Date.now() / 1000)
    expect(await refusedWith(relay, await token({}, seconds - 55))).toBeUndefined()
    expect(await refusedWith(relay, await token({}, seconds - 65))).toBe(4401)
  })

  it('a claim `rotate` that is no yes or no is no token', async () => {
    expect(await refusedWith(await start({ auth }), await token({ rotate: 'no' }))).toBe(4401)
  })

  it('says how long it lasts, and that a writer may not rotate', async () => {
    const client = await greeted(await start({ auth }))
    await client.join('room', { token: await token({ rotate: false }, Math.floor(Date.now() / 1000) + 600) })
    const access = await client.hears('access')
    expect(access).toMatchObject({ channel: 1, role: 'write', mayRotate: false })
    expect(access.lifeMs).toBeGreaterThan(590_000)
    expect(access.lifeMs).toBeLessThanOrEqual(600_000)
  })
})

describe('[WIRE-36] the end of an access', () => {
  /** Tokens are names of what they allow. */
  function tokens(clock: FakeClock) {
    const allowed: Record<string, Access> = {}
    const auth = async (name: string) => allowed[name] ?? null
    const allow = (name: string, lifeMs?: number, rest: Partial<Access> = {}) => {
      allowed[name] = {
        subject: 'ann',
        role: 'write',
        ...(lifeMs !== undefined && { endsAtUnixMs: clock.now() + lifeMs }),
        ...rest,
      }
    }
    return { auth, allow }
  }

  it('ends its channel with 4401 a minute later, and no other', async () => {
    const clock = new FakeClock()
    const { auth, allow } = tokens(clock)
    const client = await greeted(await start({ auth, clock }))
    allow('short', 600_000)
    allow('endless')
    await client.join('a', { channel: 1, token: 'short' })
    await client.join('b', { channel: 2, token: 'endless' })
    expect(client.heard.filter(({ type }) => type === 'access')).toEqual([
      { type: 'access', channel: 1, role: 'write', mayRotate: true, lifeMs: 600_000 },
    ])
    for (let second = 0; second < 659; second++) {
      await clock.advance(1_000)
      if (second % 20 === 0) await client.pinged()
    }
    expect(client.heard.filter(({ type }) => type === 'closed')).toEqual([])
    await clock.advance(1_000)
    expect(await client.hears('closed')).toMatchObject({ channel: 1, code: 4401 })
    const request = client.request()
    client.say({ type: 'read', channel: 2, request, after: 0, to: 0 })
    await client.hears('caught-up', (caughtUp) => caughtUp.request === request)
  })

  it('is put off by a refresh, which is answered; a token that is over already has no life left', async () => {
    const clock = new FakeClock()
    const { auth, allow } = tokens(clock)
    const client = await greeted(await start({ auth, clock, limits: { silenceMs: 1e9 } }))
    allow('first', 60_000)
    await client.join('room', { token: 'first' })
    await clock.advance(50_000)
    allow('second', 60_000, { role: 'read' })
    client.say({ type: 'refresh', channel: 1, token: 'second' })
    expect(await client.hears('access', ({ role }) => role === 'read')).toEqual({
      ...{ type: 'access', channel: 1, role: 'read', mayRotate: false, lifeMs: 60_000 },
    })
    await clock.advance(100_000)
    expect(client.heard.some(({ type }) => type === 'closed')).toBe(false)
    client.say({ type: 'refresh', channel: 1, token: 'second' })
    expect(await client.hears('access', ({ lifeMs }) => lifeMs === 0)).toMatchObject({ role: 'read' })
    await clock.advance(20_000)
    expect(await client.hears('closed')).toMatchObject({ channel: 1, code: 4401 })
  })

  // Years have more timers than a test may wait for, where each waits for the databases.
  it.skipIf(onNodes())('an access of years does not end at once, as a timer of Node would', async () => {
    const clock = new FakeClock()
    const { auth, allow } = tokens(clock)
    const client = await greeted(
      await start({ auth, clock, limits: { silenceMs: 1e12, heartbeatMs: 1e12, sweepMs: 1e12 } }),
    )
    allow('long', 2 ** 32)
    await client.join('room', { token: 'long' })
    expect(await client.hears('access')).toMatchObject({ lifeMs: 2 ** 31 - 1 })
    await clock.advance(2 ** 31 + 100_000)
    await client.pinged()
    expect(client.heard.some(({ type }) => type === 'closed')).toBe(false)
    await clock.advance(2 ** 31)
    expect(await client.hears('closed')).toMatchObject({ code: 4401 })
  })

  it('a refresh that cannot be looked at changes nothing', async () => {
    const clock = new FakeClock()
    const { auth, allow } = tokens(clock)
    let isDown = false
    const client = await greeted(
      await start({
        clock,
        async auth(token) {
          if (isDown) throw new Error('the database is down')
          return auth(token)
        },
      }),
    )
    allow('first', 60_000)
    await client.join('room', { token: 'first' })
    isDown = true
    await clock.advance(10_000)
    client.say({ type: 'refresh', channel: 1, token: 'whatever' })
    expect(await client.hears('access', ({ lifeMs }) => lifeMs === 50_000)).toMatchObject({ role: 'write' })
    await client.open(fakeRecord())
    expect(await client.append([new FakeSealer().seal()])).toMatchObject({ type: 'ack' })
  })

  it('who may rotate no more loses the lease, so that others get it', async () => {
    const clock = new FakeClock()
    const { auth, allow } = tokens(clock)
    const relay = await start({ auth, clock })
    allow('all')
    allow('less', undefined, { mayRotate: false })
    const ann = await greeted(relay)
    const bob = await greeted(relay)
    const record = fakeRecord()
    await ann.join('room', { token: 'all' })
    await bob.join('room', { token: 'all' })
    await ann.open(record)
    expect(await ann.lease(record)).toMatchObject({ type: 'leased' })
    expect(await bob.lease(record)).toMatchObject({ code: 'busy' })
    ann.say({ type: 'refresh', channel: 1, token: 'less' })
    await ann.hears('access', ({ mayRotate }) => !mayRotate)
    expect(await bob.lease(record)).toMatchObject({ type: 'leased' })
    expect(await ann.lease(record)).toMatchObject({ code: 'write-denied' })
  })
})
