import { connect as connectTcp } from 'node:net'
import { encodeFrame, MAX_FRAME_BYTES } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { accessTokens, type Relay, type RelayOptions } from '@y-sealed/relay'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient, toEntries } from './relay-raw-client.ts'

const SECRET = 'a secret of thirty-two bytes or more, for tests'

const QUIET = { info() {}, warn() {}, error() {} }

const relays: Relay[] = []
const clients: RawClient[] = []

async function start(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await createRelay({ data: 'memory', port: 0, log: QUIET, ...options })
  relays.push(relay)
  return relay
}

function open({ url }: Relay, headers?: Record<string, string>): RawClient {
  const client = new RawClient(url, headers)
  clients.push(client)
  return client
}

async function greeted(relay: Relay): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  return client
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  for (const relay of relays.splice(0)) await relay.close()
})

const FACTS = { room: 'room', token: '', params: {}, cursor: 0, hash: new Uint8Array(0), observe: false }
const JOIN = { type: 'join', channel: 1, ...FACTS } as const

describe('who does not speak the protocol', () => {
  it('a plain y-websocket client is closed with 4400 and a sentence, and does not come back', async () => {
    const { url } = await start()
    const doc = new Y.Doc()
    const provider = new WebsocketProvider(url, 'room', doc, { WebSocketPolyfill: WebSocket as never, disableBc: true })
    const event = await new Promise<{ code: number; reason: string } | null>((resolve) => {
      provider.on('connection-close', resolve)
    })
    expect(event?.code).toBe(4400)
    expect(event?.reason).toMatch(/^this is a y-sealed relay/)
    provider.destroy()
  })

  it('another version is told both ranges, once, and closed with 4426', async () => {
    const client = open(await start())
    await client.opened()
    client.say({ type: 'hello', minVersion: 7, maxVersion: 9, agent: 'from the future' })
    // As one does that speaks a single version: what it is to mean was not agreed on, and it is not looked at.
    client.say(JOIN)
    expect(await client.closed).toEqual({ code: 4426, reason: 'relay speaks 1..1, client 7..9' })
    expect(client.heard).toEqual([{ type: 'incompatible', minVersion: 1, maxVersion: 1 }])
  })

  it('a join that comes on the heels of hello is answered like any other', async () => {
    const client = open(await start())
    await client.opened()
    client.say({ type: 'hello', minVersion: 1, maxVersion: 1, agent: 'in a hurry' })
    client.say(JOIN)
    await client.hears('caught-up')
    expect(client.heard.map(({ type }) => type)).toEqual(['welcome', 'joined', 'caught-up'])
  })

  it.each([
    ['text', 'hello'],
    ['nothing', new Uint8Array(0)],
    ['noise', Uint8Array.from({ length: 100 }, (_, i) => (i * 89) & 0xff)],
    ['a join before hello', encodeFrame([{ type: 'leave', channel: 1 }])],
    [
      'a hello that is cut off',
      encodeFrame([{ type: 'hello', minVersion: 1, maxVersion: 1, agent: 'x' }]).slice(0, -1),
    ],
  ])('%s as the first frame: closed with 4400', async (_what, frame) => {
    const client = open(await start())
    await client.opened()
    client.socket.send(frame)
    expect((await client.closed).code).toBe(4400)
    expect(client.heard).toEqual([])
  })

  it.each([
    ['noise', Uint8Array.of(9, 9, 9), 4400],
    ['a second hello', encodeFrame([{ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' }]), 4400],
    ['a message and a byte more', Buffer.concat([encodeFrame([{ type: 'ping', nonce: 1 }]), Uint8Array.of(0)]), 4400],
    ['a relay’s own words', encodeFrame([{ type: 'pong', nonce: 1 }]), 4400],
    ['more than a frame', new Uint8Array(MAX_FRAME_BYTES + 1), 1009],
  ])('%s after hello: closed', async (_what, frame, code) => {
    const client = await greeted(await start())
    client.socket.send(frame)
    expect((await client.closed).code).toBe(code)
  })

  it('what is said on a channel that does not exist is refused, and the connection goes on', async () => {
    const client = await greeted(await start())
    client.say({ type: 'read', channel: 5, request: 3, after: 0, to: 0 })
    expect(await client.hears('refused')).toMatchObject({ channel: 5, request: 3, code: 'unknown-channel' })
    await client.pinged()
  })

  it('a channel number that is in use is a fault; one more channel than allowed is closed alone', async () => {
    const relay = await start({ limits: { maxChannels: 2 } })
    const client = await greeted(relay)
    await client.join('a', { channel: 1 })
    await client.join('b', { channel: 2 })
    client.join('c', { channel: 3 }).catch(() => {})
    expect(await client.hears('closed')).toMatchObject({ channel: 3, code: 4413 })
    client.say({ type: 'leave', channel: 2 })
    await client.join('c', { channel: 2 })
    client.join('d', { channel: 1 }).catch(() => {})
    expect((await client.closed).code).toBe(4400)
  })
})

describe('who says nothing, or too much', () => {
  it('no hello in ten seconds: closed with 4408', async () => {
    const clock = new FakeClock()
    const client = open(await start({ clock }))
    await client.opened()
    await clock.advance(9_999)
    expect(client.close).toBeUndefined()
    await clock.advance(1)
    expect((await client.closed).code).toBe(4408)
  })

  it('a stranger cannot fill the memory with a frame that never ends', async () => {
    const relay = await start()
    const client = open(relay)
    await client.opened()
    client.socket.send(new Uint8Array(MAX_FRAME_BYTES))
    expect((await client.closed).code).toBe(1006)
    // A member may send as much at once.
    const member = await greeted(relay)
    await member.join('room')
    await member.open(fakeRecord())
    const sealer = new FakeSealer()
    expect(await member.append([sealer.seal(255_000), sealer.seal(255_000)])).toMatchObject({ type: 'ack' })
  })

  it('a lone idle client stays for five minutes; one whose network is gone does not', async () => {
    const clock = new FakeClock()
    const relay = await start({ clock })
    const idle = await greeted(relay)
    await idle.join('room')
    const gone = await greeted(relay)
    await gone.join('room')
    gone.socket.pause()
    for (let second = 0; second < 300; second += 5) await clock.advance(5_000)
    await idle.pinged()
    gone.socket.resume()
    expect((await gone.closed).code).toBe(1006)
  })
})

describe('the door of a relay without auth', () => {
  const refusedWith = async (client: RawClient): Promise<string> => {
    return await new Promise((resolve) => client.socket.once('error', (error) => resolve(error.message)))
  }

  it.each([undefined, 'http://localhost:8080', 'http://127.0.0.1:5173', 'https://[::1]'])(
    '%s may enter',
    async (origin) => {
      const client = open(await start(), origin ? { origin } : {})
      await client.opened()
    },
  )

  it.each([
    'https://evil.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'null',
    'file://',
  ])('a page of %s is refused at the upgrade', async (origin) => {
    expect(await refusedWith(open(await start(), { origin }))).toMatch(/403/)
  })

  it('a name that an attacker’s DNS points at this machine is refused', async () => {
    expect(await refusedWith(open(await start(), { host: 'evil.example:8787' }))).toMatch(/403/)
    expect(await refusedWith(open(await start(), { host: 'evil.example', origin: 'http://localhost' }))).toMatch(/403/)
  })

  it('listens on loopback only, and never in production', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'auth-required' })
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    await expect(start()).rejects.toMatchObject({ code: 'auth-required' })
    process.env.NODE_ENV = before
  })

  it('a list of origins is the whole list, and its mistakes are named', async () => {
    const relay = await start({ origins: ['https://app.example'], auth: accessTokens({ secret: SECRET }) })
    await open(relay, { origin: 'https://app.example' }).opened()
    expect(await refusedWith(open(relay, { origin: 'http://localhost' }))).toMatch(/403/)
    // Without auth a page of elsewhere that reaches this machine could write every room.
    await expect(start({ origins: ['https://app.example'] })).rejects.toMatchObject({ code: 'auth-required' })
    await expect(start({ origins: ['app.example'] })).rejects.toThrow(/app\.example/)
  })

  it('an option that does not exist is a TypeError that names it', async () => {
    await expect(start({ orgins: [] } as Partial<RelayOptions>)).rejects.toThrow(
      new TypeError('unknown option: orgins'),
    )
  })
})

describe('access tokens', () => {
  const auth = accessTokens({ secret: SECRET })
  const token = (claims: Record<string, unknown>, audience = 'y-sealed-relay', secret = SECRET) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(audience)
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret))

  async function joinAs(
    relay: Relay,
    accessToken: string,
    room = 'room',
  ): Promise<{ client: RawClient; code?: number }> {
    const client = await greeted(relay)
    const joined = client.join(room, { token: accessToken })
    const closed = client.hears('closed')
    const answer = await Promise.race([joined, closed])
    return answer.type === 'closed' ? { client, code: answer.code } : { client }
  }

  it('a good token joins in its role; a reader’s append and open are refused, its awareness is not', async () => {
    const relay = await start({ auth })
    const { client: writer } = await joinAs(relay, await token({ sub: 'ann', role: 'write' }))
    const { client: reader } = await joinAs(relay, await token({ sub: 'bob', role: 'read' }))
    expect(await reader.hears('joined')).toMatchObject({ role: 'read' })
    expect(await reader.open(fakeRecord())).toMatchObject({ code: 'write-denied' })
    await writer.open(fakeRecord())
    await reader.hears('record')
    const sealer = new FakeSealer()
    expect(await reader.append([sealer.seal()])).toMatchObject({ code: 'write-denied' })
    const from = reader.heard.length
    reader.say({ type: 'stage', channel: 1, request: reader.request(), envelopes: toEntries([sealer.seal()]) })
    expect(await reader.hears('refused', undefined, from)).toMatchObject({ code: 'write-denied' })
    const awareness = sealer.seal(64, EnvelopeKind.awareness)
    reader.say({ type: 'awareness', channel: 1, envelope: awareness })
    expect(Buffer.from((await writer.hears('awareness')).envelope)).toEqual(Buffer.from(awareness))
  })

  it.each([
    ['no token', async () => ''],
    ['no token at all but words', async () => 'let me in'],
    ['a token for the key endpoint', () => token({ sub: 'a', role: 'write' }, 'y-sealed-keys')],
    ['another secret', () => token({ sub: 'a', role: 'write' }, 'y-sealed-relay', `${SECRET}!`)],
    ['another room', () => token({ sub: 'a', role: 'write', rooms: ['other', 'roo'] })],
    ['an unknown role', () => token({ sub: 'a', role: 'admin' })],
    ['no subject', () => token({ role: 'write' })],
    ['rooms that are no list', () => token({ sub: 'a', role: 'write', rooms: 'room' })],
  ])('%s: the channel is closed with 4401 and the connection goes on', async (_what, make) => {
    const { client, code } = await joinAs(await start({ auth }), await make())
    expect(code).toBe(4401)
    await client.pinged()
  })

  it('an expired token, and one that claims to be unsigned, are no tokens', async () => {
    const relay = await start({ auth })
    const expired = await new SignJWT({ sub: 'a', role: 'write' })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('y-sealed-relay')
      .setExpirationTime('2 minutes ago')
      .sign(new TextEncoder().encode(SECRET))
    expect((await joinAs(relay, expired)).code).toBe(4401)
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const unsigned = `${encode({ alg: 'none' })}.${encode({ sub: 'a', role: 'write', aud: 'y-sealed-relay' })}.`
    expect((await joinAs(relay, unsigned)).code).toBe(4401)
  })

  it('a token without an end is no token', async () => {
    const endless = await new SignJWT({ sub: 'a', role: 'write' })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('y-sealed-relay')
      .sign(new TextEncoder().encode(SECRET))
    expect((await joinAs(await start({ auth }), endless)).code).toBe(4401)
  })

  it('a prefix covers its rooms', async () => {
    const relay = await start({ auth })
    const accessToken = await token({ sub: 'a', role: 'write', rooms: ['team-*', 'room'] })
    expect((await joinAs(relay, accessToken, 'team-1')).code).toBeUndefined()
    expect((await joinAs(relay, accessToken, 'room')).code).toBeUndefined()
    expect((await joinAs(relay, accessToken, 'tea')).code).toBe(4401)
  })

  it('a refreshed token changes the role of the session; a bad one ends it', async () => {
    const relay = await start({ auth })
    const { client } = await joinAs(relay, await token({ sub: 'a', role: 'write' }))
    await client.open(fakeRecord())
    client.say({ type: 'refresh', channel: 1, token: await token({ sub: 'a', role: 'read' }) })
    expect(await client.append([new FakeSealer().seal()])).toMatchObject({ code: 'write-denied' })
    client.say({ type: 'refresh', channel: 1, token: 'not any more' })
    expect(await client.hears('closed')).toMatchObject({ channel: 1, code: 4401 })
  })

  it('an auth that fails closes the channel with 4500, to be tried again', async () => {
    const relay = await start({
      auth: async () => {
        throw new Error('the database is down')
      },
    })
    expect((await joinAs(relay, 'x')).code).toBe(4500)
  })

  it('a secret that is too short is refused', () => {
    expect(() => accessTokens({ secret: 'short' })).toThrow(TypeError)
  })
})

describe('beside the WebSocket', () => {
  it('/healthz says that it lives, and nothing else is served', async () => {
    const relay = await start()
    const http = relay.url.replace('ws:', 'http:')
    const health = await fetch(`${http}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
    expect((await fetch(`${http}/`)).status).toBe(404)
    expect((await fetch(`${http}/healthz`, { method: 'POST' })).status).toBe(404)
  })

  it('a client that resets its connection in the middle of an upgrade harms nobody', async () => {
    const relay = await start()
    const { port } = new URL(relay.url)
    const socket = connectTcp(Number(port), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
    )
    socket.resetAndDestroy()
    await greeted(relay)
  })

  it('a closing relay answers what it has read, then closes with 4503', async () => {
    let closed: Promise<void> | undefined
    const relay: Relay = await start({
      async auth(_token, { room }) {
        // Asked while the frame that holds the append is being read: it is under way, and not yet committed.
        if (room === 'the end') closed = relay.close()
        return { subject: '', role: 'write' }
      },
    })
    const client = await greeted(relay)
    await client.join('room')
    await client.open(fakeRecord())
    const request = client.request()
    const envelopes = toEntries([new FakeSealer().seal()])
    const none = new Uint8Array(0)
    client.say(
      { type: 'append', channel: 1, request, envelopes },
      { type: 'join', channel: 2, room: 'the end', token: '', params: {}, cursor: 0, hash: none, observe: false },
    )
    expect(await client.answer(request)).toMatchObject({ type: 'ack', sequence: 1 })
    expect((await client.closed).code).toBe(4503)
    await closed
    await expect(RawClient.connect(relay.url)).rejects.toThrow()
  })
})
