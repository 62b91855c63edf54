import { hashPrefix, startHash } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { accessTokens, createLog, createRelay, type Relay, type RelayOptions } from '@y-sealed/relay'
import { SignJWT } from 'jose'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { ownRedis, skipRedisTests } from '../support/redis.ts'
import { FakeSealer, fakeCheckpoint, fakeRecord, nameOf, RawClient, sha256 } from './relay-raw-client.ts'

// Three relays of one store, in this process. What happens to relays that are processes: nodes-chaos.test.ts.

const SECRET = 'a secret that only the application and the relays know'
const QUIET = createLog('silent')
const record = fakeRecord()

let relays: Relay[]
let redis: Awaited<ReturnType<typeof ownRedis>>
const clients: RawClient[] = []

async function start(options: Partial<RelayOptions> = {}, count = 3): Promise<void> {
  const store = await freshPostgres()
  redis = await ownRedis()
  relays = await Promise.all(
    Array.from({ length: count }, () => createRelay({ store, bus: redis.url, port: 0, log: QUIET, ...options })),
  )
  await Promise.all(relays.map(isReady))
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate)
}

async function isReady(relay: Relay): Promise<void> {
  await until(async () => (await fetch(`${relay.url.replace('ws:', 'http:')}/readyz`)).ok)
}

async function enter(node: number, fields: Parameters<RawClient['join']>[1] = {}, room = 'room'): Promise<RawClient> {
  const client = await RawClient.connect(relays[node]!.url)
  clients.push(client)
  await client.join(room, fields)
  await client.hears('caught-up')
  return client
}

const awareness = () => new FakeSealer(0).seal(384, EnvelopeKind.awareness)

describe.skipIf(skipPostgresTests || skipRedisTests)('several relays of one store', () => {
  beforeEach(() => start())
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end()
    await Promise.all(relays.map((relay) => relay.close()))
  })

  it('what is appended at one is heard at all, in one order with one hash', async () => {
    const [alice, bob, carol] = [await enter(0), await enter(1), await enter(2)]
    await alice.open(record)
    await bob.hears('record')
    await carol.hears('record')
    const sealers = [alice, bob, carol].map((client) => ({ client, sealer: new FakeSealer(0) }))
    for (let round = 0; round < 5; round++) {
      await Promise.all(sealers.map(({ client, sealer }) => client.append([sealer.seal(40)])))
    }
    // Each gets the ten of the others, and no copy of its own five.
    for (const { client } of sealers) {
      const acked = client.heard.flatMap((message) => (message.type === 'ack' ? [message.sequence] : []))
      const missing = Array.from({ length: 15 }, (_, i) => i + 1).filter((sequence) => !acked.includes(sequence))
      await client.hears('entries', () => missing.every((sequence) => client.received().has(sequence)))
      expect([...client.received().keys()].sort((a, b) => a - b)).toEqual(missing)
    }
    const late = await enter(1)
    expect(await late.hears('joined')).toMatchObject({ sequence: 15 })
  })

  it('awareness of one node reaches those of another, who join later too, and leaving is told', async () => {
    const [alice, bob] = [await enter(0), await enter(1)]
    await alice.open(record)
    await bob.hears('record')
    const { session } = await alice.hears('joined')
    const envelope = awareness()
    alice.say({ type: 'awareness', channel: 1, envelope })
    expect(await bob.hears('awareness')).toMatchObject({ session, envelope: new Uint8Array(envelope) })
    const carol = await enter(2)
    expect(await carol.hears('awareness')).toMatchObject({ session })
    alice.end()
    expect(await bob.hears('left')).toEqual({ type: 'left', channel: 1, session })
    await carol.hears('left')
  })

  it('a lease at one node keeps the others out, a pause at one holds back appends at all', async () => {
    const [alice, bob] = [await enter(0), await enter(1)]
    await alice.open(record)
    await bob.hears('record')
    expect(await alice.lease(record)).toMatchObject({ type: 'leased' })
    expect(await bob.lease(record)).toMatchObject({ type: 'refused', code: 'busy' })
    expect(await alice.pause()).toMatchObject({ type: 'paused', sequence: 0 })
    expect(await bob.append([new FakeSealer(0).seal(40)])).toMatchObject({ type: 'refused', code: 'paused' })
    // The holder goes, and its lease with it.
    alice.end()
    const carol = await enter(2)
    await until(async () => (await carol.lease(record)).type === 'leased')
  })

  it('rotations at one node after the other: each member gets every record, in order', async () => {
    const [alice, bob, carol] = [await enter(0), await enter(1), await enter(2)]
    await alice.open(record)
    await bob.hears('record')
    const records = [record, fakeRecord(1), fakeRecord(2), fakeRecord(3)]
    const rotators = [bob, alice, bob]
    for (const [i, rotator] of rotators.entries()) {
      const [previous, next] = [records[i]!, records[i + 1]!]
      await until(async () => (await rotator.rotate(next, previous)).type === 'opened')
    }
    const last = records.at(-1)!
    await carol.hears('record', ({ record }) => Buffer.compare(record, last) === 0)
    const heard = carol.heard.flatMap((message) => (message.type === 'record' ? [Buffer.from(message.record)] : []))
    expect(heard).toEqual(records.map((record) => Buffer.from(record)))
  })

  it('a rotation that comes too late, to a node that has not heard of the other one: first the record of that, then the refusal', async () => {
    const [alice, bob] = [await enter(0), await enter(1)]
    await alice.open(record)
    await bob.hears('record')
    await redis.kill()
    const next = fakeRecord(1)
    expect(await bob.rotate(next, record)).toMatchObject({ type: 'opened' })
    // Her lease has run out, and what she had staged is gone with it.
    const head = { sequence: 0, hash: startHash(sha256(record)) }
    const checkpoint = nameOf(fakeCheckpoint(1, 1))
    const answer = await alice.replace(alice.request(), fakeRecord(1), record, head, { checkpoint })
    expect(answer.type).toBe('refused')
    const before = alice.heard.slice(0, alice.heard.indexOf(answer))
    const records = before.flatMap((message) => (message.type === 'record' ? [Buffer.from(message.record)] : []))
    expect(records).toContainEqual(Buffer.from(next))
  })

  it('who joins where a new epoch was not heard of yet is shown the hash of the newest record it is shown, not of the epoch before', async () => {
    const [alice, bob] = [await enter(0), await enter(1)]
    await alice.open(record, [new FakeSealer(0).seal()])
    await bob.hears('entries')
    await redis.kill()
    const next = fakeRecord(1)
    expect(await bob.rotate(next, record)).toMatchObject({ type: 'opened' })
    // At the node of Alice, which looks once a second.
    const carol = await RawClient.connect(relays[0]!.url)
    clients.push(carol)
    const joined = await carol.join('room')
    expect(joined.records.map((each) => Buffer.from(each))).toEqual([record, next].map((each) => Buffer.from(each)))
    expect({ sequence: joined.sequence, hash: Buffer.from(joined.hash) }).toEqual({
      sequence: 1,
      hash: Buffer.from(hashPrefix(startHash(sha256(next)))),
    })
  })

  it('an operator at one node: a re-check, somebody shut out and a deleted document reach all', async () => {
    await Promise.all(relays.map((relay) => relay.close()))
    const auth = accessTokens({ secret: SECRET })
    await start({ auth })
    const tokenOf = (subject: string) =>
      new SignJWT({ role: 'write' })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience('y-sealed-relay')
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(SECRET))
    const mallory = await tokenOf('mallory')
    const [alice, bob] = [await enter(0, { token: await tokenOf('alice') }), await enter(1, { token: mallory })]
    await alice.open(record)
    await bob.hears('record')
    relays[2]?.recheck('room')
    await Promise.all([alice.hears('recheck'), bob.hears('recheck')])
    await relays[0]?.closeSessions({ subject: 'mallory' })
    expect(await bob.hears('closed')).toMatchObject({ code: 4403 })
    const again = await RawClient.connect(relays[2]!.url)
    clients.push(again)
    again.say({
      type: 'join',
      channel: 1,
      room: 'room',
      token: mallory,
      params: {},
      cursor: 0,
      hash: new Uint8Array(0),
      observe: false,
    })
    expect(await again.hears('closed')).toMatchObject({ code: 4403 })
    const carol = await enter(2, { token: await tokenOf('carol') })
    expect(await relays[0]?.deleteDocument('room')).toBe(true)
    for (const client of [alice, carol]) expect(await client.hears('closed')).toMatchObject({ code: 4404 })
  })

  it('without the bus entries arrive all the same, and /readyz says what is missing', async () => {
    const [alice, bob] = [await enter(0), await enter(1)]
    await alice.open(record)
    await bob.hears('record')
    await redis.kill()
    await alice.append([new FakeSealer(0).seal(40)])
    await bob.hears('entries')
    const ready = await fetch(`${relays[1]!.url.replace('ws:', 'http:')}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not-ready', store: true, bus: false }])
  })
})

describe.skipIf(skipPostgresTests)('a new store in parts', () => {
  const started: Relay[] = []
  afterEach(() => Promise.all(started.splice(0).map((relay) => relay.close())))

  it('has them in the database, and a later relay that asks for none serves it as it is', async () => {
    const store = await freshPostgres()
    const options = { store, port: 0, log: QUIET }
    started.push(await createRelay({ ...options, partitions: 4 }))
    started.push(await createRelay(options))
    const client = new pg.Client({ connectionString: store })
    await client.connect()
    const parts = await client.query(
      "SELECT inhparent::regclass::text AS name, count(*)::int AS parts FROM pg_inherits WHERE inhparent = 'runs'::regclass GROUP BY 1",
    )
    await client.end()
    expect(parts.rows).toEqual([{ name: 'runs', parts: 4 }])
  })

  it('are a number within bounds', async () => {
    const store = await freshPostgres()
    await expect(createRelay({ store, partitions: 1.5, port: 0, log: QUIET })).rejects.toMatchObject({
      code: 'options',
    })
  })
})
