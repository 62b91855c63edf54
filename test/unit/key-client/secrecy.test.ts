import { inspect } from 'node:util'
import { createKeyRing, type KeySource, keyEndpoint, staticKey } from '@y-sealed/key-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CanarySearch } from '../../support/canary.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { CANARY_KEY, failureOf, LONE_SURROGATE } from './fixtures.ts'

const TOKEN = 'canary-token-Wd4Yk8Rn1Vb6Xm3Qs9Zc5Tf2'
const search = new CanarySearch([CANARY_KEY, TOKEN])

/** All that a logger, a crash reporter or a developer's console could make of it. */
const shown = (value: unknown) =>
  [inspect(value, { depth: 8, showHidden: true }), JSON.stringify(value), String(value), (value as Error)?.stack].join(
    '\n',
  )

const answering = (body: BodyInit | null, init?: ResponseInit): KeySource =>
  keyEndpoint('https://app.example/keys', {
    headers: { authorization: `Bearer ${TOKEN}` },
    fetch: async () => new Response(body, init),
  })

const FAILING: [string, KeySource][] = [
  ['a key that is an object', () => ({ key: { secret: CANARY_KEY } })],
  ['a key with a lone surrogate', () => ({ key: CANARY_KEY + LONE_SURROGATE })],
  ['the bare key', () => CANARY_KEY],
  ['a key under another name', () => ({ secret: CANARY_KEY })],
  ['a key and a broken hint', () => ({ key: CANARY_KEY, keyHint: { CANARY_KEY } })],
  ['an error that quotes the key', () => Promise.reject(new Error(CANARY_KEY, { cause: CANARY_KEY }))],
  ['the key thrown', () => Promise.reject(CANARY_KEY)],
  ['an error with the key for a name', () => Promise.reject(Object.assign(new Error(''), { name: CANARY_KEY }))],
  ['JSON that was cut short', answering(`{"key":"${CANARY_KEY}`)],
  ['JSON that is none', answering(`${CANARY_KEY} is the key`)],
  ['500 with the key', answering(JSON.stringify({ key: CANARY_KEY }), { status: 500, statusText: CANARY_KEY })],
  ['403 with the key', answering(JSON.stringify({ key: CANARY_KEY }), { status: 403 })],
  ['404 with the key', answering(JSON.stringify({ key: CANARY_KEY }), { status: 404 })],
  [
    'a fetch that fails and quotes the request',
    keyEndpoint('https://app.example/keys', {
      headers: { authorization: `Bearer ${TOKEN}` },
      fetch: () => Promise.reject(new TypeError(`fetch failed: ${TOKEN}`, { cause: { code: TOKEN } })),
    }),
  ],
  ['a static key that is asked for another hint', staticKey(CANARY_KEY, 'another')],
]

let printed = ''

beforeEach(() => {
  printed = ''
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed += String(chunk)
      return true
    })
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => {
      printed += inspect(values, { depth: 8 })
    })
  }
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('no byte of key or token is in what an error shows, and nothing is printed', () => {
  it.each(FAILING)('after %s', async (_what, source) => {
    const ring = createKeyRing({ source, documentId: 'doc-1', clock: new FakeClock() })
    const error = await failureOf(() => ring.ask('h1'))
    expect(error).toHaveProperty('code')
    expect(search.in(shown(error), 'the error')).toEqual([])
    expect(search.in(shown(ring), 'the ring')).toEqual([])
    expect(search.in(printed, 'output')).toEqual([])
  })

  it('nor in a source or a ring that has a good key', async () => {
    const source = staticKey(CANARY_KEY)
    const ring = createKeyRing({ source, documentId: 'doc-1' })
    expect((await ring.confirmNew()).key).toBe(CANARY_KEY)
    expect(search.in(shown([source, ring]), 'source and ring')).toEqual([])
    expect(printed).toBe('')
  })
})
