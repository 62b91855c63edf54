import { leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import type { Relay } from '@y-sealed/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay, onNodes } from '../support/nodes.ts'
import { FakeSealer, fakeRecord, RawClient, sha256 } from './relay-raw-client.ts'

let relay: Relay
let clock: FakeClock
let alice: RawClient
let bob: RawClient
const record = fakeRecord()
const clients: RawClient[] = []

async function enter(room = 'room'): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  clients.push(client)
  await client.join(room)
  await client.hears('caught-up')
  return client
}

const sealer = new FakeSealer()
const awareness = (epochIndex = 0) => new FakeSealer(epochIndex).seal(384, EnvelopeKind.awareness)

function say(client: RawClient, envelope: Uint8Array): void {
  client.say({ type: 'awareness', channel: 1, envelope })
}

function heardAwareness(client: RawClient): Buffer[] {
  return client.heard.flatMap((message) => (message.type === 'awareness' ? [Buffer.from(message.envelope)] : []))
}

beforeEach(async () => {
  clock = new FakeClock()
  relay = await createRelay({ data: 'memory', port: 0, clock })
  alice = await enter()
  bob = await enter()
  await alice.open(record)
  await bob.hears('record')
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await relay.close()
})

describe('awareness', () => {
  it('reaches the others of the room, not its author and not another room', async () => {
    const elsewhere = await enter('elsewhere')
    const envelope = awareness()
    const { session } = await alice.hears('joined')
    say(alice, envelope)
    expect(await bob.hears('awareness')).toMatchObject({ session, envelope: new Uint8Array(envelope) })
    await alice.pinged()
    await elsewhere.pinged()
    expect([heardAwareness(alice), heardAwareness(elsewhere)]).toEqual([[], []])
  })

  it('the last one of each session meets who joins later', async () => {
    const [first, last, bobs] = [awareness(), awareness(), awareness()]
    say(alice, first)
    say(alice, last)
    say(bob, bobs)
    await alice.hears('awareness')
    await bob.pinged()
    const carol = await enter()
    await carol.hears('awareness', ({ envelope }) => Buffer.from(envelope).equals(bobs))
    expect(new Set(heardAwareness(carol))).toEqual(new Set([Buffer.from(last), Buffer.from(bobs)]))
  })

  it('who leaves, or whose network breaks, is announced if it was known, and forgotten', async () => {
    const silent = await enter()
    const { session } = await alice.hears('joined')
    say(alice, awareness())
    await bob.hears('awareness')
    silent.end()
    alice.end()
    expect(await bob.hears('left')).toMatchObject({ session })
    const carol = await enter()
    await carol.pinged()
    expect(heardAwareness(carol)).toEqual([])
    expect(bob.heard.filter(({ type }) => type === 'left')).toHaveLength(1)
  })

  it('an update that claims to be awareness, or bytes that are no envelope, are refused', async () => {
    say(alice, sealer.seal())
    expect(await alice.hears('refused')).toMatchObject({ request: 0, code: 'malformed' })
    const from = alice.heard.length
    say(alice, Uint8Array.of(0))
    expect(await alice.hears('refused', undefined, from)).toMatchObject({ code: 'malformed' })
    await bob.pinged()
    expect(heardAwareness(bob)).toEqual([])
  })

  it('that of an older epoch is forgotten with the epoch, and not passed on after it', async () => {
    say(alice, awareness())
    await bob.hears('awareness')
    await alice.rotate(fakeRecord(1), record)
    say(alice, awareness(0))
    await alice.pinged()
    const carol = await enter()
    await carol.pinged()
    expect(heardAwareness(carol)).toEqual([])
    expect(heardAwareness(bob)).toHaveLength(1)
    // Bob still shows Alice: he is told when she goes.
    alice.end()
    await bob.hears('left')
  })
})

describe('a recheck', () => {
  it('asks everybody in the room to look at the endpoint, and nobody elsewhere', async () => {
    const elsewhere = await enter('elsewhere')
    await elsewhere.join('room', { channel: 7 })
    relay.recheck('room')
    for (const client of [alice, bob]) expect(await client.hears('recheck')).toEqual({ type: 'recheck', channel: 1 })
    expect(await elsewhere.hears('recheck')).toEqual({ type: 'recheck', channel: 7 })
    await elsewhere.pinged()
    expect(elsewhere.heard.filter(({ type }) => type === 'recheck')).toHaveLength(1)
  })

  it('is not for observers, who have no endpoint', async () => {
    const observer = await RawClient.connect(relay.url)
    clients.push(observer)
    await observer.join('room', { observe: true })
    relay.recheck('room')
    await alice.hears('recheck')
    await observer.pinged()
    expect(observer.heard.some(({ type }) => type === 'recheck')).toBe(false)
  })

  it('of a room where nobody is, or nobody any more, does nothing', async () => {
    relay.recheck('unknown')
    bob.say({ type: 'leave', channel: 1 })
    await bob.pinged()
    relay.recheck('room')
    await alice.hears('recheck')
    await bob.pinged()
    expect(bob.heard.some(({ type }) => type === 'recheck')).toBe(false)
  })
})

describe('the heartbeat', () => {
  it('tells head and hash five seconds after a change, then every minute', async () => {
    const envelope = new FakeSealer().seal()
    await alice.append([envelope])
    await clock.advance(4_999)
    await bob.pinged()
    expect(bob.heard.some(({ type }) => type === 'heartbeat')).toBe(false)
    await clock.advance(1)
    const hash = nextHash(startHash(sha256(record)), leafHash(new Uint8Array(0), envelope))
    for (const client of [alice, bob]) {
      expect(await client.hears('heartbeat')).toMatchObject({ sequence: 1, hash: hash.slice(0, 8) })
    }
    for (let minute = 1; minute <= 3; minute++) {
      await clock.advance(60_000)
      await bob.pinged()
      expect(bob.heard.filter(({ type }) => type === 'heartbeat')).toHaveLength(1 + minute)
    }
  })

  it('is not put off by typing that never pauses', async () => {
    const typist = new FakeSealer()
    for (let second = 0; second < 6; second++) {
      await alice.append([typist.seal()])
      await clock.advance(1_000)
    }
    await bob.hears('heartbeat')
  })

  it('a document without an epoch has a head too', async () => {
    const early = await enter('new')
    await clock.advance(60_000)
    expect(await early.hears('heartbeat')).toMatchObject({ sequence: 0, hash: new Uint8Array(0) })
  })

  // Of one process; several look for each other as well.
  it.skipIf(onNodes())(
    'an empty relay has no timer but those that look for silent connections and for what is due',
    async () => {
      for (const client of clients.splice(0)) {
        client.end()
        await client.closed
      }
      await clock.advance(0)
      expect(clock.waiting).toBe(2)
      await relay.close()
      expect(clock.waiting).toBe(0)
    },
  )
})
