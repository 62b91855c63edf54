import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay } from '@y-sealed/relay'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { patiently, untilTrue } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { passUntil } from '../support/rotation-steps.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { FakeSealer, fakeRecord, RawClient, sha256, toEntries } from './relay-raw-client.ts'

const MAIN = 'server/relay/dist/main.js'
const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(flags: Record<string, string> = {}): Promise<ServerProcess> {
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-drain-'))
  ended.push(() => rmSync(data, { recursive: true, force: true }))
  const relay = await startServerProcess(MAIN, { data, ...flags })
  ended.push(() => relay.stop())
  return relay
}

const hex = (envelope: Uint8Array) => Buffer.from(sha256(envelope)).toString('hex')

it('SIGTERM in the middle of appends: each is acked and stored, or neither; nothing is stored in silence', async () => {
  const relay = await start()
  const acked: string[] = []
  const record = fakeRecord()
  const writers = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = await RawClient.connect(relay.url)
      ended.push(() => client.end())
      await client.join('room')
      await client.open(record)
      return client
    }),
  )
  const writing = writers.map(async (client) => {
    const sealer = new FakeSealer()
    try {
      for (let i = 0; ; i++) {
        const envelope = sealer.seal(i % 5 === 0 ? 20_000 : 100)
        const answer = await client.append([envelope])
        if (answer.type !== 'ack') throw new Error(answer.code)
        acked.push(hex(envelope))
      }
    } catch (error) {
      if (!client.close) throw error
    }
  })
  while (acked.length < 100) await new Promise(setImmediate)
  expect(await relay.stop()).toBe(0)
  await Promise.all(writing)
  for (const { close } of writers) expect(close?.code).toBe(4503)
  await relay.restart()
  const reader = await RawClient.connect(relay.url)
  ended.push(() => reader.end())
  await reader.join('room', { observe: true })
  await reader.hears('caught-up')
  expect([...reader.received().values()].map(hex).sort()).toEqual(acked.sort())
})

it('appends that wait for each other when a relay is closed are all acked before their connection ends', async () => {
  const relay = await createRelay({ data: 'memory', port: 0 })
  ended.push(() => relay.close())
  const client = await RawClient.connect(relay.url)
  await client.join('room')
  await client.open(fakeRecord())
  const sealer = new FakeSealer()
  const requests = [10, 11, 12, 13, 14]
  client.say(
    ...requests.map((request) => {
      return { type: 'append', channel: 1, request, envelopes: toEntries([sealer.seal(100)]) } as const
    }),
  )
  await client.hears('ack')
  await relay.close()
  expect((await client.closed).code).toBe(4503)
  const acked = client.heard.flatMap((message) => (message.type === 'ack' ? [message.request] : []))
  expect(acked).toEqual(requests)
})

it('200 members of a relay that restarts do not come back in one wave: it tells them within which time, and each draws its own moment', async () => {
  const MEMBERS = 200
  // Two seconds for all of them.
  const relay = await start({ limit: 'returnsPerSecond=100' })
  const keys = staticKey('a-key-that-is-long-enough-for-them-all-0123456789')
  const clock = new FakeClock(Date.now())
  const members = Array.from({ length: MEMBERS }, (_, i) => {
    const provider = new SealedProvider(relay.url, `room ${i % 20}`, new Y.Doc(), {
      keys,
      WebSocketPolyfill: WebSocket,
      unsafeClock: clock,
    })
    ended.push(() => provider.destroy())
    return provider
  })
  await Promise.all(members.map((member) => patiently(member.whenSynced, 'a member', 60_000)))
  const returning = new Set<SealedProvider>()
  for (const member of members) {
    member.on('status', ({ status }) => {
      if (status === 'connecting') returning.add(member)
    })
  }
  const gone = members.map((member) => untilTrue(member, 'status', () => !member.wsconnected, 'a member to be gone'))
  expect(await relay.stop()).toBe(0)
  await Promise.all(gone)
  await relay.restart()
  returning.clear()
  const quarters: number[] = []
  for (let quarter = 0; quarter < 4; quarter++) {
    const before = returning.size
    await clock.advance(500)
    quarters.push(returning.size - before)
  }
  expect(returning.size).toBe(MEMBERS)
  // What an even draw leaves in a quarter of the time is a quarter of them, give or take some; without the advice all come in the first tenth of a second.
  expect(Math.max(...quarters)).toBeLessThan(MEMBERS / 2)
  const back = members.map((member) =>
    untilTrue(member, 'sync', () => member.synced && member.wsconnected, 'a member to be back'),
  )
  await passUntil(Promise.all(back), [clock])
}, 120_000)
