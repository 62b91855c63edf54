import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFrame } from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { createRelay, type Relay, type RelayOptions } from '@y-sealed/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { FakeSealer, fakeRecord, RawClient } from './relay-raw-client.ts'

const QUIET = { info() {}, warn() {}, error() {} }
const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-slow-'))
  ended.push(() => rmSync(data, { recursive: true }))
  const relay = await createRelay({ data, port: 0, log: QUIET, ...options })
  ended.push(() => relay.close())
  return relay
}

async function joined(relay: Relay): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  ended.push(() => client.end())
  await client.join('room')
  return client
}

/** Counts what it gets and keeps nothing of it. */
async function counting(relay: Relay): Promise<{ bytes: () => number; socket: WebSocket }> {
  const socket = new WebSocket(relay.url)
  ended.push(() => socket.terminate())
  let bytes = 0
  let isGreeted = (): void => {}
  const greeted = new Promise<void>((resolve) => {
    isGreeted = resolve
  })
  socket.on('message', (frame: Buffer) => {
    bytes += frame.length
    isGreeted()
  })
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(encodeFrame([{ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' }]))
  await greeted
  const join = { type: 'join', channel: 1, room: 'room', token: '', params: {}, cursor: 0 } as const
  socket.send(encodeFrame([{ ...join, hash: new Uint8Array(0), observe: false }]))
  return { bytes: () => bytes, socket }
}

describe('E3: readers that never read', () => {
  it('cost bounded memory, and the others nothing: they have everything while these have next to nothing', async () => {
    const APPENDS = 80
    const SEALED_BYTES = 250_000
    const STUCK = 8
    const relay = await start()
    const writer = await joined(relay)
    await writer.open(fakeRecord())
    const stuck = await Promise.all(Array.from({ length: STUCK }, () => counting(relay)))
    const reader = await counting(relay)
    for (const { socket } of stuck) socket.pause()
    const before = process.memoryUsage().rss
    const sealer = new FakeSealer()
    let most = 0
    for (let i = 0; i < APPENDS; i++) {
      expect(await writer.append([sealer.seal(SEALED_BYTES)])).toMatchObject({ type: 'ack', sequence: i + 1 })
      most = Math.max(most, process.memoryUsage().rss - before)
    }
    while (reader.bytes() < APPENDS * SEALED_BYTES) await new Promise((resolve) => setImmediate(resolve))
    const sent = APPENDS * SEALED_BYTES
    const taken = stuck.map(({ bytes }) => bytes())
    console.log(
      `${STUCK} readers that read nothing of ${sent >> 20} MiB: the process grew by ${most >> 20} MiB; unread would be ${(STUCK * sent) >> 20} MiB`,
    )
    for (const bytes of taken) expect(bytes).toBeLessThan(sent / 10)
    expect(most).toBeLessThan((STUCK * sent) / 2)
    // None was dropped from: once they read, they get all of it.
    for (const { socket } of stuck) socket.resume()
    while (stuck.some(({ bytes }) => bytes() < sent)) await new Promise((resolve) => setImmediate(resolve))
  })

  it('are spared awareness first: of two thousand states they get the newest, and stay', async () => {
    const STATES = 2_000
    const relay = await start({
      limits: { backlogBytes: 64 * 1024, maxBacklogBytes: 256 * 1024, awarenessBurst: STATES },
    })
    const speaker = await joined(relay)
    await speaker.open(fakeRecord())
    const slow = await joined(relay)
    const quick = await joined(relay)
    slow.socket.pause()
    const sealer = new FakeSealer()
    let newest = new Uint8Array(0)
    for (let i = 0; i < STATES; i++) {
      newest = new Uint8Array(sealer.seal(8_000, EnvelopeKind.awareness))
      speaker.say({ type: 'awareness', channel: 1, envelope: newest })
      // One turn each, or the relay would put them together for everybody.
      await speaker.pinged()
    }
    const isNewest = (envelope: Uint8Array) => Buffer.compare(envelope, newest) === 0
    await quick.hears('awareness', ({ envelope }) => isNewest(envelope))
    slow.socket.resume()
    await slow.hears('awareness', ({ envelope }) => isNewest(envelope))
    const heard = ({ heard }: RawClient) => heard.filter(({ type }) => type === 'awareness').length
    console.log(`of ${STATES} states the slow reader got ${heard(slow)}, the quick one ${heard(quick)}`)
    expect(heard(slow)).toBeLessThan(heard(quick) * 0.75)
    expect(slow.close).toBeUndefined()
    // What is no awareness it gets whole.
    for (let i = 0; i < 20; i++) await speaker.append([sealer.seal(100, EnvelopeKind.update, i + 1)])
    await slow.hears('entries', ({ first, entries }) => first + entries.length === 21)
    expect([...slow.received().keys()]).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })
})
