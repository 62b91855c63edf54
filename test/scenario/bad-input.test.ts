import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, keyEndpoint, RelayConnection, SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { patiently, until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { showAnotherLog } from '../support/shadow-log.ts'
import { Wire } from '../support/wire.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'
import { fields } from './fields.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** What has been sealed or stored on this person's wires. */
const sealedBy = ({ wire }: Person): string[] =>
  wire.sockets
    .flatMap(({ connection }) => world.capture.messages('up', connection))
    .map(({ type }) => type)
    .filter((type) => ['stage', 'append', 'open', 'awareness'].includes(type))

const problem = (person: Person): Promise<unknown> =>
  untilTrue(person.provider, 'problem', () => person.problems.length > 0, 'a problem')

/** Nothing was shown as complete, nothing was sent, what was typed is there and known to be unsynced. */
function expectLocked(person: Person, typed: string): void {
  expect(person.provider.synced).toBe(false)
  expect(person.provider.wsconnected).toBe(false)
  expect(sealedBy(person)).toEqual([])
  expect(person.text.toString()).toBe(typed)
  expect(person.provider.hasUnsyncedChanges).toBe(true)
}

describe('a key answer that is no key', () => {
  const answers: [string, unknown][] = [
    ['null', null],
    ['a number', 123],
    ['an empty object', {}],
    ['an array', ['key']],
    ['an empty string', ''],
    ['a bare string', 'a-key-without-an-object-0123456789'],
    ['the word undefined', undefined],
    ['an empty key', { key: '' }],
    ['a key that is null', { key: null }],
    ['a key that is a number', { key: 12345678901234567890 }],
    ['a key that is bytes', { key: new Uint8Array(32) }],
    ['a lone high surrogate', { key: 'k'.repeat(40) + '\ud83d' }],
    ['a lone low surrogate', { key: '\udc24' + 'k'.repeat(40) }],
    ['a key of 64 KiB and one byte', { key: 'k'.repeat(64 * 1024 + 1) }],
    ['a hint that is a number', { key: 'abcdefghijklmnopqrstuvwxyz0123456789', keyHint: 7 }],
    ['a hint of 257 units', { key: 'abcdefghijklmnopqrstuvwxyz0123456789', keyHint: 'h'.repeat(257) }],
  ]

  test.each(answers)('%s: key-invalid once, nothing sent, local text kept', async (_, answer) => {
    const alice = world.person('Alice', { keys: async () => answer, expects: ['key-invalid'] })
    alice.text.insert(0, world.canary('typed'))
    const typed = alice.text.toString()
    await problem(alice)
    await settle()
    expect(alice.problems.map(({ code }) => code)).toEqual(['key-invalid'])
    expect(alice.problems[0]?.message).not.toContain('kkkkkkkk')
    expectLocked(alice, typed)
  })

  test.each(answers)('%s for a document that others already write to: the same', async (_, answer) => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'for those with a key')
    await alice.provider.flush()
    const bob = world.person('Bob', { keys: async () => answer, expects: ['key-invalid'] })
    bob.text.insert(0, 'mine')
    await problem(bob)
    await settle()
    expect(bob.problems.map(({ code }) => code)).toEqual(['key-invalid'])
    expectLocked(bob, 'mine')
  })

  test('no source at all: key-missing, and nothing is even asked of the relay', async () => {
    const alice = world.person('Alice', { keys: undefined as unknown as KeySource, expects: ['key-missing'] })
    alice.text.insert(0, 'mine')
    await problem(alice)
    await settle()
    expect(alice.problems.map(({ code }) => code)).toEqual(['key-missing'])
    expect(alice.wire.sockets).toEqual([])
    expectLocked(alice, 'mine')
  })

  test('a key that differs from what the same hint gave a moment ago opens no document', async () => {
    let asked = 0
    const keys: KeySource = async () => ({ key: `a-different-key-every-time-0123456789-${asked++}`, keyHint: 'hint' })
    const clock = new FakeClock()
    const alice = world.person('Alice', { keys, unsafeClock: clock, expects: ['key-invalid'], connect: false })
    alice.text.insert(0, 'mine')
    const joined = alice.wire.untilPassed('down', ({ type }) => type === 'joined')
    alice.provider.connect()
    await joined
    for (let second = 0; second < 20; second++) await clock.advance(1_000)
    expect(alice.problems.map(({ code }) => code)).toEqual(['key-invalid'])
    expectLocked(alice, 'mine')
  })
})

describe('a key endpoint over HTTP', () => {
  const respond =
    (status: number, body = '{}', headers: Record<string, string> = {}): RequestListener =>
    (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body)
    }

  test.each<[string, RequestListener, string]>([
    ['answers 302', respond(302, '', { location: 'http://127.0.0.1:9/keys' }), 'key-unavailable'],
    ['answers 400', respond(400), 'key-invalid'],
    ['answers 401', respond(401), 'key-refused'],
    ['answers 403', respond(403), 'key-refused'],
    ['answers 404', respond(404), 'key-unknown'],
    ['answers 429', respond(429), 'key-unavailable'],
    ['answers 500', respond(500), 'key-unavailable'],
    ['answers 503', respond(503, 'busy', { 'retry-after': '1' }), 'key-unavailable'],
    ['answers null', respond(200, 'null'), 'key-invalid'],
    ['answers 123', respond(200, '123'), 'key-invalid'],
    ['answers {}', respond(200, '{}'), 'key-invalid'],
    ['answers ""', respond(200, '""'), 'key-invalid'],
    ['answers a lone surrogate', respond(200, '{"key":"\\ud800aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'), 'key-invalid'],
    ['answers HTML', respond(200, '<h1>Welcome</h1>', { 'content-type': 'text/html' }), 'key-invalid'],
    ['answers half of a JSON text', respond(200, '{"key":"secr'), 'key-invalid'],
    ['answers 65 KiB', respond(200, JSON.stringify({ key: 'k'.repeat(65 * 1024) })), 'key-invalid'],
    ['hangs up', (request) => void request.socket.destroy(), 'key-unavailable'],
    ['never answers', () => {}, 'key-unavailable'],
  ])('that %s', async (_, listener, code) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    try {
      // The time-out is 10 s for people; the test does not wait for it.
      const alice = world.person('Alice', { keys: keyEndpoint(url, { timeoutMs: 200 }), expects: [code] })
      alice.text.insert(0, 'mine')
      await problem(alice)
      await settle()
      expect(alice.problems.map((each) => each.code)).toEqual([code])
      expect(JSON.stringify(alice.problems)).not.toMatch(/kkkk|secr|Welcome/)
      expectLocked(alice, 'mine')
      alice.provider.destroy()
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('that is down at first: asked again with back-off, and then everything goes on by itself', async () => {
    let asked = 0
    const keys: KeySource = (request, options) => {
      if (asked++ < 3) throw new Error('no network yet')
      return world.keys(request, options)
    }
    const clock = new FakeClock()
    const alice = world.person('Alice', { keys, unsafeClock: clock, expects: ['key-unavailable'], connect: false })
    alice.text.insert(0, 'typed while it was down')
    const joined = alice.wire.untilPassed('down', ({ type }) => type === 'joined')
    alice.provider.connect()
    await joined
    for (let second = 0; second < 60 && !alice.provider.synced; second++) await clock.advance(1_000)
    await patiently(alice.provider.whenSynced, 'the keys to be there')
    await alice.provider.flush()
    expect(alice.problems.map(({ code }) => code)).toEqual(['key-unavailable'])
    expect(await world.freshText()).toBe('typed while it was down')
  })
})

describe('a wrong key', () => {
  const WRONG = 'a-key-that-opens-nothing-here-0123456789'

  async function withDocument(): Promise<Person> {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'sealed under the right key')
    await alice.provider.flush()
    return alice
  }

  test('key-mismatch before anything is opened; asked once more, then locked; it recovers when the key is right', async () => {
    await withDocument()
    let isMended = false
    let asked = 0
    const keys: KeySource = (request, options) => {
      asked++
      return isMended ? world.keys(request, options) : { key: WRONG }
    }
    const clock = new FakeClock()
    const bob = world.person('Bob', { keys, unsafeClock: clock, expects: ['key-mismatch'] })
    bob.text.insert(0, 'mine. ')
    let matches = 0
    bob.provider.on('key-match', () => matches++)
    await problem(bob)
    await settle()
    expect(bob.problems.map(({ code }) => code)).toEqual(['key-mismatch'])
    expect(asked).toBe(2)
    expectLocked(bob, 'mine. ')
    isMended = true
    await clock.advance(5 * 60_000)
    await patiently(bob.provider.whenSynced, 'the mended key to be taken')
    await bob.provider.flush()
    expect(matches).toBe(1)
    const text = await world.freshText()
    expect(text).toContain('mine. ')
    expect(text).toContain('sealed under the right key')
  })

  test('the right key under another documentId is a wrong key', async () => {
    await withDocument()
    const keys: KeySource = (request, options) => world.keys({ ...request, documentId: 'room' }, options)
    const bob = world.person('Bob', { documentId: 'another document', keys, expects: ['key-mismatch'] })
    bob.text.insert(0, 'mine')
    await problem(bob)
    await settle()
    expect(bob.problems.map(({ code }) => code)).toEqual(['key-mismatch'])
    expectLocked(bob, 'mine')
  })

  test('one key for two documents: the entries of one open nothing in the other', async () => {
    const key = staticKey('the-same-key-for-two-documents-0123456789')
    const alice = await world.joined('Alice', { room: 'one', keys: key })
    alice.text.insert(0, 'belongs to document one')
    await alice.provider.flush()
    const [foreign] = await world.log('one')
    const carol = await world.joined('Carol', { room: 'two', keys: key })
    carol.text.insert(0, 'two')
    await carol.provider.flush()
    const bob = reader({ room: 'two', keys: key, expects: ['tampered'] }, (envelope) => [
      foreign?.envelope as Uint8Array,
      envelope,
    ])
    await bob.provider.whenSynced
    expect(bob.text.toString()).toBe('two')
    expect(bob.problems.map(({ code }) => code)).toEqual(['tampered'])
  })
})

/** Somebody whose relay shows another log; not yet connected people stay so until the log is in place. */
function reader(options: PersonOptions, show: Parameters<typeof showAnotherLog>[1]): Person {
  const person = world.person('Bob', { ...options, connect: false })
  showAnotherLog(person.wire, show)
  person.provider.connect()
  return person
}

describe('an envelope that is not what was sealed', () => {
  /** Carol wrote entries 1 and 3, Alice entry 2: what is done to 2 must not touch 1 and 3. */
  async function threeEntries(): Promise<void> {
    const alice = await world.joined('Alice')
    const carol = await world.joined('Carol')
    carol.text.insert(0, '1')
    await carol.provider.flush()
    await untilText(alice.doc, '1')
    alice.doc.getText('second').insert(0, '2')
    await alice.provider.flush()
    await untilTrue(carol.doc, 'update', () => carol.doc.getText('second').length > 0)
    carol.doc.getText('third').insert(0, '3')
    await carol.provider.flush()
  }
  const texts = ({ doc }: Person): string[] => ['text', 'second', 'third'].map((name) => doc.getText(name).toString())
  const flip =
    (at: (envelope: Uint8Array) => number) =>
    (envelope: Uint8Array): Uint8Array => {
      const copy = envelope.slice()
      const index = at(copy)
      copy[index] = (copy[index] ?? 0) ^ 1
      return copy
    }
  const withFirstByte = (byte: number) => (envelope: Uint8Array) => Uint8Array.of(byte, ...envelope.subarray(1))

  const changes: [string, (envelope: Uint8Array) => Uint8Array][] = [
    ['a bit of its salt flipped', flip(() => 5)],
    ['a bit of its counter flipped', flip(() => 18)],
    ['a bit of its text flipped', flip(() => 25)],
    ['a bit of its tag flipped', flip((envelope) => envelope.length - 1)],
    ['its last byte missing', (envelope) => envelope.subarray(0, -1)],
    ['its text missing', (envelope) => envelope.subarray(0, 19)],
    ['all but its first byte missing', (envelope) => envelope.subarray(0, 1)],
    ['a byte added', (envelope) => Uint8Array.of(...envelope, 0)],
    ['another label: checkpoint', withFirstByte(0x12)],
    ['another label: awareness', withFirstByte(0x13)],
    ['another label: witness', withFirstByte(0x14)],
    ['another label: local', withFirstByte(0x15)],
    ['another label: cross-tab', withFirstByte(0x16)],
    ['another label: none that exists', withFirstByte(0x1f)],
    ['another version', withFirstByte(0x21)],
    ['another epoch', (envelope) => Uint8Array.of(envelope[0] as number, 7, ...envelope.subarray(2))],
    ['nothing of it left but its length', (envelope) => new Uint8Array(envelope.length).fill(0xa5)],
    ['plaintext in its place', () => Y.encodeStateAsUpdate(new Y.Doc())],
  ]

  test.each(changes)('%s: tampered once, it applies nothing, and the rest goes on', async (_, change) => {
    await threeEntries()
    const bob = reader({ expects: ['tampered'] }, (envelope, sequence) => [sequence === 2 ? change(envelope) : envelope])
    bob.text.insert(0, 'typed before. ')
    await bob.provider.whenSynced
    expect(texts(bob)).toEqual([expect.stringContaining('1'), '', '3'])
    expect(bob.text.toString()).toContain('typed before. ')
    expect(bob.problems.map(({ code }) => code)).toEqual(['tampered'])
    bob.text.insert(0, 'typed after. ')
    await bob.provider.flush()
    expect(await world.freshText()).toContain('typed after. ')
  })

  test('every single byte of it flipped, one after the other: none applies anything, one event in all', async () => {
    await threeEntries()
    const bob = reader({ expects: ['tampered', 'gap'] }, (envelope, sequence) =>
      sequence === 2 ? [...envelope].map((_, index) => flip(() => index)(envelope)) : [envelope],
    )
    await bob.provider.whenSynced
    expect(texts(bob)).toEqual(['1', '', '3'])
    expect(bob.problems.map(({ code }) => code)).toEqual(['tampered'])
    const [, second] = await world.log()
    expect(bob.provider.counters.tampered).toBe(second?.envelope.length)
  })

  test('and whoever first writes after it names another history: fork, beside tampered', async () => {
    await threeEntries()
    const dora = await world.joined('Dora')
    dora.doc.getText('fourth').insert(0, '4')
    await dora.provider.flush()
    const bob = reader({ expects: ['tampered', 'fork'] }, (envelope, sequence) => [
      sequence === 2 ? flip(() => 25)(envelope) : envelope,
    ])
    await bob.provider.whenSynced
    expect(bob.problems.map(({ code }) => code)).toEqual(['tampered', 'fork'])
    expect(bob.doc.getText('fourth').toString()).toBe('4')
  })

  test('replayed: it applies nothing, is only counted, and nobody is told', async () => {
    await threeEntries()
    const seen: Uint8Array[] = []
    const bob = reader({}, (envelope, sequence) => {
      seen.push(envelope)
      // The third entry is followed by the whole log, three times over.
      return sequence === 3 ? [envelope, ...seen, ...seen, ...seen] : [envelope]
    })
    let updates = 0
    bob.doc.on('update', () => updates++)
    await bob.provider.whenSynced
    const updatesAtSync = updates
    expect(texts(bob)).toEqual(['1', '2', '3'])
    expect(bob.provider.counters.replayed).toBe(9)
    expect(bob.problems).toEqual([])
    await settle()
    expect(updates).toBe(updatesAtSync)
  })

  test('left out: what its author wrote next waits ten seconds, then gap, and all that can be used is used', async () => {
    const alice = await world.joined('Alice')
    for (const name of ['first', 'second', 'third']) {
      alice.doc.getText(name).insert(0, name)
      await alice.provider.flush()
    }
    const clock = new FakeClock(Date.now())
    const bob = reader({ unsafeClock: clock, expects: ['gap'] }, (envelope, sequence) => (sequence === 2 ? [] : [envelope]))
    await bob.provider.whenSynced
    const contents = (): string[] => ['first', 'second', 'third'].map((name) => bob.doc.getText(name).toString())
    expect(contents()).toEqual(['first', '', ''])
    await clock.advance(9_000)
    expect(bob.problems).toEqual([])
    await clock.advance(2_000)
    expect(bob.problems.map(({ code }) => code)).toEqual(['gap'])
    bob.text.insert(0, 'still usable')
    await bob.provider.flush()
    expect(bob.text.toString()).toBe('still usable')
  })

  test('awareness: an edited one shows nobody, a replayed one brings nobody back', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { expects: ['tampered'] })
    const name = (): unknown => bob.provider.awareness.getStates().get(alice.doc.clientID)?.name
    let first: Uint8Array | undefined
    bob.wire.rewrite('down', (messages) =>
      messages.map((message) => {
        if (message.type !== 'awareness') return message
        first ??= message.envelope
        return { ...message, envelope: flip((envelope) => envelope.length - 1)(message.envelope) }
      }),
    )
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    await problem(bob)
    expect(name()).toBeUndefined()
    bob.wire.rewrite('down', undefined)
    alice.provider.awareness.setLocalState({ name: 'Alice B.' })
    await untilTrue(bob.provider.awareness, 'change', () => name() === 'Alice B.')
    const again = world.capture
      .messages('down', bob.wire.sockets[0]?.connection)
      .flatMap((message) => (message.type === 'awareness' && message.envelope !== first ? [message] : []))
    bob.wire.sockets[0]?.deliver(again.slice(0, 1))
    await settle()
    expect(name()).toBe('Alice B.')
    expect(bob.provider.counters['awareness-replayed']).toBeGreaterThanOrEqual(1)
  })
})

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
    expect(alice.problems.map(({ code }) => code)).toEqual(['relay-fault'])
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
    expect(alice.problems.map(({ code }) => code)).toEqual(['update-required'])
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

test('the text of no test above was lost or shown: what a locked person typed arrives once the key is there', async () => {
  let isThere = false
  const keys: KeySource = (request, options) => (isThere ? world.keys(request, options) : { key: '' })
  const alice = world.person('Alice', { keys, expects: ['key-invalid'] })
  alice.text.insert(0, world.canary('typed while locked'))
  await problem(alice)
  isThere = true
  alice.provider.connect()
  await patiently(alice.provider.whenSynced, 'connect() to ask for the key at once')
  await alice.provider.flush()
  const bob = await world.joined('Bob')
  await untilText(bob.doc, alice.text.toString())
})
