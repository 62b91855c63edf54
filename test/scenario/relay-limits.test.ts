import { connect } from 'node:net'
import { encodeFrame, MAX_FRAME_BYTES, type Up } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { DEFAULT_RELAY_LIMITS, type Relay, type RelayOptions } from '@y-sealed/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { patiently, until } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay } from '../support/nodes.ts'
import { startWorld } from '../support/world.ts'
import { FakeSealer, fakeRecord, RawClient } from './relay-raw-client.ts'

const QUIET = { info() {}, warn() {}, error() {} }
const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await createRelay({ data: 'memory', port: 0, log: QUIET, ...options })
  ended.push(() => relay.close())
  return relay
}

function open({ url }: Relay, headers: Record<string, string> = {}): RawClient {
  const client = new RawClient(url, headers)
  ended.push(() => client.end())
  return client
}

async function greeted(relay: Relay, headers?: Record<string, string>): Promise<RawClient> {
  const client = open(relay, headers)
  await client.opened()
  client.say({ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' })
  await client.hears('welcome')
  return client
}

const UPGRADE = [
  ...['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: upgrade', 'Sec-WebSocket-Version: 13'],
  ...['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''],
].join('\r\n')

/** One buffer for all who send it, and a mask of zeros: what is measured is the relay. */
const MEBIBYTE = Buffer.alloc(MAX_FRAME_BYTES - 1)
const FRAME_HEAD = Buffer.from([
  0x82,
  0xff,
  0,
  0,
  0,
  0,
  ...[24, 16, 8, 0].map((bits) => (MEBIBYTE.length >> bits) & 0xff),
  0,
  0,
  0,
  0,
])

const join = (channel: number, room = 'room'): Up => ({
  ...{ type: 'join', channel, room, token: '', params: {}, cursor: 0 },
  ...{ hash: new Uint8Array(0), observe: false },
})

describe('how many connections', () => {
  it('one client has so many; the next is told with 1013, and another client comes in', async () => {
    const relay = await start({ trustedProxies: ['127.0.0.1'], limits: { maxConnectionsPerAddress: 2 } })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    const first = await greeted(relay, from('203.0.113.5'))
    await greeted(relay, from('203.0.113.5'))
    const third = open(relay, from('203.0.113.5'))
    expect(await third.closed).toEqual({ code: 1013, reason: 'too many connections from this address' })
    await greeted(relay, from('203.0.113.6'))
    first.end()
    await first.closed
    // The relay hears of the end a turn after its client.
    await relay.sessions()
    await greeted(relay, from('203.0.113.5'))
  })

  it('a proxy that was not named is not one client: forty come through where two may', async () => {
    const warnings: string[] = []
    const relay = await start({
      limits: { maxConnectionsPerAddress: 2 },
      log: { ...QUIET, warn: (event) => void warnings.push(event) },
    })
    await Promise.all(Array.from({ length: 40 }, () => greeted(relay, { 'x-forwarded-for': '203.0.113.5' })))
    expect(warnings.filter((event) => event.includes('trustedProxies'))).toHaveLength(1)
  })

  it('all have so many together; who is one too many hears 1013, and the app is told', async () => {
    const world = await startWorld({ relayLimits: { maxConnections: 1 } })
    ended.push(() => world.close())
    const ann = await world.joined('ann')
    const bob = world.person('bob', { expects: ['limit'] })
    const [error] = await until<[Error]>(bob.provider, 'limit')
    expect(error.message).toBe('the relay closed with 1013: the relay has as many connections as it may have')
    bob.text.insert(0, 'waits')
    ann.provider.destroy()
    await patiently(bob.provider.flush(), 'bob to come in by himself')
    expect(bob.problems).toHaveLength(1)
  })
})

describe('who is not known yet', () => {
  it('has half a minute until a join is allowed, and then is not bothered any more', async () => {
    const clock = new FakeClock()
    const relay = await start({
      clock,
      limits: { silenceMs: 1e9 },
      auth: async (token) => (token === '' ? { subject: '', role: 'read' } : null),
    })
    const silent = await greeted(relay)
    const refused = await greeted(relay)
    const known = await greeted(relay)
    await known.join('room')
    refused.say({ ...join(1), token: 'no' } as Up)
    expect(await refused.hears('closed')).toMatchObject({ code: 4401 })
    await clock.advance(29_999)
    await silent.pinged()
    await clock.advance(1)
    expect([(await silent.closed).code, (await refused.closed).code]).toEqual([4408, 4408])
    known.say({ type: 'leave', channel: 1 })
    await clock.advance(600_000)
    await known.pinged()
  })

  it('has so many messages, also in one frame; a member may say as many again and again', async () => {
    const relay = await start({ auth: async (token) => (token === '' ? { subject: '', role: 'read' } : null) })
    const pings = Array.from({ length: 1_000 }, (_, nonce): Up => ({ type: 'ping', nonce }))
    const stranger = await greeted(relay)
    stranger.say(...pings)
    expect((await stranger.closed).code).toBe(4413)
    expect(stranger.heard.length).toBeLessThanOrEqual(DEFAULT_RELAY_LIMITS.strangerMessages)
    const member = await greeted(relay)
    await member.join('room')
    member.say(...pings)
    await member.pinged()
  })

  it('a thousand sockets that send what they like before they say who they are cost a bounded amount, and end', async () => {
    const relay = await start({ auth: async () => null })
    const rssBefore = process.memoryUsage().rss
    const { port } = new URL(relay.url)
    const flood = Array.from({ length: 1_000 }, () => connect(Number(port), '127.0.0.1'))
    ended.push(() => {
      for (const socket of flood) socket.destroy()
    })
    const closes = flood.map((socket) => {
      socket.on('error', () => {})
      socket.resume()
      socket.write(UPGRADE)
      socket.write(FRAME_HEAD)
      socket.write(MEBIBYTE)
      return new Promise((resolve) => socket.on('close', resolve))
    })
    await patiently(Promise.all(closes), 'all of them to be closed', 25_000)
    // Ours and theirs are one process: a gibibyte was offered, and little of it was taken.
    const grown = process.memoryUsage().rss - rssBefore
    const offered = flood.length * MEBIBYTE.length
    console.log(`1,000 strangers: ${offered >> 20} MiB offered, the process grew by ${grown >> 20} MiB`)
    expect(grown).toBeLessThan(300 * 1024 * 1024)
    // And the door is open.
    await greeted(relay)
  })

  it('all of them together may have sent so much; who is over it is told to come back, and a member is not', async () => {
    const relay = await start({
      auth: async (token) => (token === 'good' ? { subject: 'ann', role: 'write' } : null),
      limits: { maxStrangersBytes: 20_000 },
    })
    const member = await greeted(relay)
    await member.join('room', { token: 'good' })
    const strangers = await Promise.all(Array.from({ length: 4 }, () => greeted(relay)))
    const frame = encodeFrame([{ ...join(1), token: 'x'.repeat(8_000) } as Up])
    for (const stranger of strangers.slice(0, 2)) {
      stranger.socket.send(frame)
      await stranger.hears('closed')
    }
    strangers[2]!.socket.send(frame)
    expect([1006, 1013]).toContain((await strangers[2]!.closed).code)
    for (let i = 0; i < 10; i++) member.say({ type: 'refresh', channel: 1, token: 'good' })
    await member.pinged()
    // Who goes makes room.
    for (const stranger of strangers) stranger.end()
    await Promise.all(strangers.map(({ closed }) => closed))
    const again = await greeted(relay)
    again.socket.send(frame)
    expect(await again.hears('closed')).toMatchObject({ code: 4401 })
  })
})

describe('how often somebody joins', () => {
  it('is bounded for a connection: 1013 for one channel, and later it may', async () => {
    const clock = new FakeClock()
    let asked = 0
    const relay = await start({
      clock,
      limits: { joinBurst: 3, joinsPerSecond: 1 },
      async auth() {
        asked++
        return { subject: 'ann', role: 'write' }
      },
    })
    const client = await greeted(relay)
    client.say(join(1), join(2), join(3), join(4))
    expect(await client.hears('closed')).toMatchObject({ channel: 4, code: 1013 })
    // A refresh brings a token, too: it is not looked at, and the session stays what it was.
    client.say({ type: 'refresh', channel: 1, token: 'another' })
    expect(await client.hears('access')).toMatchObject({ channel: 1, role: 'write' })
    expect(asked).toBe(3)
    await clock.advance(1_000)
    await client.join('room', { channel: 4 })
    expect(asked).toBe(4)
  })

  it('the app of a document that has to wait is told, and joins by itself', async () => {
    const relayClock = new FakeClock()
    const world = await startWorld({ relayClock, relayLimits: { joinBurst: 1, joinsPerSecond: 0.5 } })
    ended.push(() => world.close())
    const ann = await world.joined('ann', { room: 'one' })
    const { connection } = ann.provider
    const two = world.person('two', { room: 'two', connection, expects: ['limit'] })
    await until(two.provider, 'limit')
    await relayClock.advance(2_000)
    await patiently(two.provider.whenSynced, 'the second document')
  })
})

describe('a document that is full', () => {
  it('takes no more: the app is told, the text stays, and what was undone arrives', async () => {
    const world = await startWorld({ relayLimits: { maxDocumentBytes: 20_000 } })
    ended.push(() => world.close())
    const ann = await world.joined('ann', { expects: ['limit'] })
    ann.text.insert(0, 'fits')
    await ann.provider.flush()
    const told = until<[Error]>(ann.provider, 'limit')
    ann.text.insert(4, 'x'.repeat(30_000))
    const [error] = await patiently(told, 'the limit')
    expect(error.message).toContain('as many bytes as it may have')
    await expect(ann.provider.flush()).rejects.toMatchObject({ code: 'limit' })
    expect([ann.provider.hasUnsyncedChanges, ann.text.length]).toEqual([true, 30_004])
    expect(await world.freshText()).toBe('fits')
    ann.text.delete(4, 30_000)
    ann.text.insert(4, ' again')
    await patiently(ann.provider.flush(), 'the smaller change')
    expect(await world.freshText()).toBe('fits again')
  })

  it('so is the tenant whose it is, and no other', async () => {
    const world = await startWorld({
      relayLimits: { maxTenantBytes: 50_000 },
      auth: async (token) => ({ subject: token, role: 'write', tenant: token }),
    })
    ended.push(() => world.close())
    const write = async (tenant: string, room: string, characters: number, expects: string[] = []) => {
      const one = await world.joined(room, { room, token: tenant, expects })
      one.text.insert(0, 'x'.repeat(characters))
      return one.provider.flush().then(
        () => 'stored',
        (error: { code: string }) => error.code,
      )
    }
    expect(await write('acme', 'one', 30_000)).toBe('stored')
    expect(await write('acme', 'two', 30_000, ['limit'])).toBe('limit')
    expect(await write('other', 'three', 30_000)).toBe('stored')
  })
})

describe('how often a document is rotated', () => {
  const auth: RelayOptions['auth'] = async (token) => ({ subject: token, role: 'write' })

  it('with access tokens: once a minute, and the app is told; a lease for a checkpoint is no rotation', async () => {
    const clock = new FakeClock()
    const relay = await start({ auth, clock, limits: { silenceMs: 1e9, strangerMs: 1e9 } })
    const client = await greeted(relay)
    await client.join('room')
    const records = [fakeRecord(0), fakeRecord(1), fakeRecord(2)] as const
    await client.open(records[0])
    expect(await client.rotate(records[1], records[0])).toMatchObject({ type: 'opened' })
    expect(await client.lease(records[1])).toMatchObject({ type: 'refused', code: 'limit' })
    expect(await client.lease(records[1], 'checkpoint')).toMatchObject({ type: 'leased' })
    await client.release()
    await clock.advance(60_000)
    expect(await client.rotate(records[2], records[1])).toMatchObject({ type: 'opened' })
    const world = await startWorld({ auth })
    ended.push(() => world.close())
    const ann = await world.joined('ann', { token: 'ann' })
    await ann.provider.rotateKey()
    await expect(ann.provider.rotateKey()).rejects.toMatchObject({ code: 'limit' })
    ann.text.insert(0, 'goes on')
    await ann.provider.flush()
  })

  it('without: as often as somebody likes', async () => {
    const client = await greeted(await start())
    await client.join('room')
    let before = fakeRecord(0)
    await client.open(before)
    for (let index = 1; index <= 25; index++) {
      const next = fakeRecord(index)
      expect(await client.rotate(next, before)).toMatchObject({ type: 'opened' })
      before = next
    }
  })
})

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('how often a session says where its caret is', () => {
  it('who says more than the others should have to hear is heard at their pace, with the newest', async () => {
    const clock = new FakeClock()
    const relay = await start({ clock, limits: { awarenessBurst: 3, awarenessPerSecond: 2 } })
    const client = await greeted(relay)
    await client.join('room')
    const other = await greeted(relay)
    await other.join('room')
    await client.open(fakeRecord())
    await other.hears('record')
    const sealer = new FakeSealer()
    const said = Array.from({ length: 10 }, () => sealer.seal(20, EnvelopeKind.awareness))
    // One after the other: of what comes in one turn of the relay only the newest is passed on anyway.
    for (const envelope of said) {
      client.say({ type: 'awareness', channel: 1, envelope })
      await client.pinged()
      await other.pinged()
    }
    const heard = () => other.heard.flatMap((message) => (message.type === 'awareness' ? [hex(message.envelope)] : []))
    expect(heard()).toEqual(said.slice(0, 3).map(hex))
    await clock.advance(500)
    await other.pinged()
    expect(heard()).toEqual([...said.slice(0, 3), ...said.slice(9)].map(hex))
    await clock.advance(60_000)
    await other.pinged()
    expect(heard()).toHaveLength(4)
    client.say({ type: 'awareness', channel: 1, envelope: sealer.seal(20, EnvelopeKind.awareness) })
    await client.pinged()
    await other.pinged()
    expect(heard()).toHaveLength(5)
  })
})

describe('how often a session appends', () => {
  it('who sends one after the other only becomes slower; who does not wait is refused, and nothing is lost or doubled', async () => {
    const clock = new FakeClock()
    const relay = await start({ clock, limits: { appendBurst: 3, appendsPerSecond: 2, maxWaitingRequests: 4 } })
    const client = await greeted(relay)
    await client.join('room')
    const other = await greeted(relay)
    await other.join('room')
    // The open is one.
    await client.open(fakeRecord())
    const sealer = new FakeSealer()
    await client.append([sealer.seal()])
    await client.append([sealer.seal()])
    const waiting = client.append([sealer.seal()])
    await client.pinged()
    expect(client.heard.filter(({ type }) => type === 'ack')).toHaveLength(2)
    // Somebody else's turn does not wait for it.
    expect(await other.append([new FakeSealer().seal()])).toMatchObject({ type: 'ack', sequence: 3 })
    await clock.advance(500)
    expect(await waiting).toMatchObject({ type: 'ack', sequence: 4 })
    const flood = Array.from({ length: 10 }, () => client.append([sealer.seal()]))
    // One is carried out, four wait.
    const refused = await Promise.all(flood.slice(5))
    expect(refused.map((answer) => (answer.type === 'refused' ? answer.code : answer.type))).toEqual(
      Array(5).fill('limit'),
    )
    await clock.advance(5_000)
    const taken = await Promise.all(flood.slice(0, 5))
    expect(taken.map(({ type }) => type)).toEqual(Array(5).fill('ack'))
    expect((await relay.usage('room')).entries).toBe(4 + 5)
  })
})
