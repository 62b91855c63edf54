import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, keyEndpoint } from 'y-sealed'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { codesOf, expectLocked, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

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
    ['a key that is a number', { key: 1234567890 }],
    ['a key of 24 bytes', { key: new Uint8Array(24) }],
    ['a lone high surrogate', { key: `${'k'.repeat(40)}\ud83d` }],
    ['a lone low surrogate', { key: `\udc24${'k'.repeat(40)}` }],
    ['a key of 64 KiB and one byte', { key: 'k'.repeat(64 * 1024 + 1) }],
    ['a hint that is a number', { key: 'abcdefghijklmnopqrstuvwxyz0123456789', keyHint: 7 }],
    ['a hint of 257 units', { key: 'abcdefghijklmnopqrstuvwxyz0123456789', keyHint: 'h'.repeat(257) }],
  ]

  test.each(answers)('%s: key-invalid once, nothing sent, local text kept', async (_, answer) => {
    const alice = world.person('Alice', { keys: async () => answer, expects: ['key-invalid'] })
    alice.text.insert(0, world.canary('typed'))
    const typed = alice.text.toString()
    await someProblem(alice)
    await settle()
    expect(codesOf(alice)).toEqual(['key-invalid'])
    expect(alice.problems[0]?.message).not.toContain('kkkkkkkk')
    expectLocked(alice, typed)
  })

  test.each(answers)('%s for a document that others already write to: the same', async (_, answer) => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'for those with a key')
    await alice.provider.flush()
    const bob = world.person('Bob', { keys: async () => answer, expects: ['key-invalid'] })
    bob.text.insert(0, 'mine')
    await someProblem(bob)
    await settle()
    expect(codesOf(bob)).toEqual(['key-invalid'])
    expectLocked(bob, 'mine')
  })

  test('no source at all: key-missing, and nothing is even asked of the relay', async () => {
    const alice = world.person('Alice', { keys: undefined as unknown as KeySource, expects: ['key-missing'] })
    alice.text.insert(0, 'mine')
    await someProblem(alice)
    await settle()
    expect(codesOf(alice)).toEqual(['key-missing'])
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
    expect(codesOf(alice)).toEqual(['key-invalid'])
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
    [
      'answers a lone surrogate',
      respond(200, '{"key":"\\ud800aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'),
      'key-invalid',
    ],
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
      // The time-out is 10 s for people; the test does not wait for it. Where something comes, nothing times out.
      const timeout = code === 'key-unavailable' ? { timeoutMs: 200 } : {}
      const alice = world.person('Alice', { keys: keyEndpoint(url, timeout), expects: [code] })
      alice.text.insert(0, 'mine')
      await someProblem(alice)
      await settle()
      expect(codesOf(alice)).toEqual([code])
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
    expect(codesOf(alice)).toEqual(['key-unavailable'])
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
    await someProblem(bob)
    await settle()
    expect(codesOf(bob)).toEqual(['key-mismatch'])
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
    await someProblem(bob)
    await settle()
    expect(codesOf(bob)).toEqual(['key-mismatch'])
    expectLocked(bob, 'mine')
  })
})

test('the text of no test above was lost or shown: what a locked person typed arrives once the key is there', async () => {
  let isThere = false
  const keys: KeySource = (request, options) => (isThere ? world.keys(request, options) : { key: '' })
  const alice = world.person('Alice', { keys, expects: ['key-invalid'] })
  alice.text.insert(0, world.canary('typed while locked'))
  await someProblem(alice)
  isThere = true
  alice.provider.connect()
  await patiently(alice.provider.whenSynced, 'connect() to ask for the key at once')
  await alice.provider.flush()
  const bob = await world.joined('Bob')
  await untilText(bob.doc, alice.text.toString())
})
