import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RelayConnection, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { until } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { codesOf, expectLocked } from '../support/steps.ts'
import { Wire } from '../support/wire.ts'
import { startWorld, type World } from '../support/world.ts'
import { fields } from './fields.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

describe('frames that no relay of ours would send', () => {
  const frames: [string, Uint8Array | string][] = [
    ['garbage', new Uint8Array(200).fill(0xa5)],
    ['nothing at all', new Uint8Array(0)],
    ['a message cut short', Uint8Array.of(0x43, 0x7f, 1, 1)],
    ['a message that does not exist', Uint8Array.of(0x7e, 0)],
    ['more than a frame may hold', new Uint8Array(1024 * 1024 + 64 * 1024 + 1)],
    ['plaintext of a Yjs sync server', Uint8Array.of(0, 0, 1, 0)],
    ['a text frame', '{"hello":"world"}'],
  ]

  test.each(frames)('%s: relay-fault once, a new connection, nothing lost', async (_, frame) => {
    const alice = await world.joined('Alice', { expects: ['relay-fault'] })
    const back = until(alice.provider, 'sync', (isSynced) => isSynced === true)
    const [socket] = alice.wire.sockets
    if (typeof frame === 'string') socket?.deliverText(frame)
    else socket?.deliver(frame)
    alice.text.insert(0, 'typed in the confusion')
    await back
    await alice.provider.flush()
    expect(codesOf(alice)).toEqual(['relay-fault'])
    expect(await world.freshText()).toBe('typed in the confusion')
  })

  test('a relay of another version: update-required once, naming both, and no more attempts', async () => {
    const alice = world.person('Alice', { expects: ['update-required'], connect: false })
    alice.wire.rewrite('down', () => [{ type: 'incompatible', minVersion: 2, maxVersion: 3 }])
    const closed = until<[{ code: number }]>(alice.provider, 'closed')
    alice.provider.connect()
    alice.text.insert(0, 'mine')
    expect((await closed)[0].code).toBe(4426)
    await settle()
    expect(codesOf(alice)).toEqual(['update-required'])
    expect(alice.problems[0]?.message).toMatch(/2.*3.*1/)
    expect(alice.wire.sockets).toHaveLength(1)
    expectLocked(alice, 'mine')
  })

  test('a y-websocket server instead of a relay: a typed problem, and it gets to see no plaintext', async () => {
    const field = await fields[0].open()
    const wire = new Wire(world.capture)
    const doc = new Y.Doc()
    const canary = world.canary('for a plain server')
    doc.getText('text').insert(0, canary)
    const provider = new SealedProvider(field.url, 'room', doc, { keys: world.keys, WebSocketPolyfill: wire.WebSocket })
    const [met] = await until<[{ code: string }]>(provider, 'problem')
    expect(met.code).toBe('relay-fault')
    expect(provider.synced).toBe(false)
    expect(doc.getText('text').toString()).toBe(canary)
    provider.destroy()
    await field.close()
  })
})

describe('options', () => {
  const make = (options: object, url = world.relayUrl): SealedProvider =>
    new SealedProvider(url, 'room', new Y.Doc(), {
      keys: world.keys,
      WebSocketPolyfill: new Wire().WebSocket,
      connect: false,
      ...options,
    })

  test('one that does not exist is a TypeError that names it', () => {
    expect(() => make({ kyes: world.keys })).toThrow(TypeError)
    expect(() => make({ kyes: world.keys })).toThrow(/kyes/)
  })

  test.each([
    ['flushDelay', -1],
    ['flushDelay', Number.NaN],
    ['flushDelay', '10'],
    ['initial', 'text'],
    ['padding', 1],
    ['weakKeys', 'allow'],
    ['token', 7],
    ['documentId', 7],
    ['shouldReconnect', true],
  ])('%s: %j is a TypeError that names it', (name, value) => {
    expect(() => make({ [name]: value })).toThrow(TypeError)
    expect(() => make({ [name]: value })).toThrow(new RegExp(name))
  })

  test('in Node without WebSocketPolyfill: unsupported', () => {
    expect(() => make({ WebSocketPolyfill: undefined })).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(() => new RelayConnection('wss://relay.example')).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  test('ws: to a host that is not loopback is refused, unless allowInsecure', () => {
    expect(() => make({}, 'ws://relay.example')).toThrow(expect.objectContaining({ code: 'unsupported' }))
    make({ allowInsecure: true }, 'ws://relay.example').destroy()
    make({}, 'wss://relay.example').destroy()
  })

  test.each(['relay', '/relay', 'ftp://relay.example', ''])('%j is no URL of a relay', (url) => {
    expect(() => make({}, url)).toThrow(TypeError)
  })

  test('a document of another copy of yjs is told apart at once', () => {
    const stranger = { on: () => {}, clientID: 1 } as unknown as Y.Doc
    expect(() => new SealedProvider(world.relayUrl, 'room', stranger, { keys: world.keys })).toThrow(/yjs/)
  })
})
