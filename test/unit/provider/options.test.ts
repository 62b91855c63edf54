import { describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { keyEndpoint, RelayConnection, SealedError, SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'

const keys = staticKey('a-key-that-nobody-guesses-0123456789')
const offline = { keys, connect: false, WebSocketPolyfill: WebSocket }
const make = (options: object, url = 'ws://127.0.0.1:1') =>
  // The options are wrong on purpose.
  new SealedProvider(url, 'room', new Y.Doc(), { ...offline, ...options } as never)

describe('what a caller passes', () => {
  it('an unknown option is a TypeError that names it', () => {
    expect(() => make({ flushdelay: 3 })).toThrow(/no option "flushdelay"/)
    expect(() => make({ flushdelay: 3 })).toThrow(TypeError)
  })

  for (const [name, value] of [
    ['flushDelay', -1],
    ['flushDelay', '5'],
    ['weakKeys', 'maybe'],
    ['token', 5],
    ['documentId', 5],
    ['initial', 'text'],
    ['padding', 'yes'],
    ['keys', 'https://app.example/keys'],
  ] as const) {
    it(`option ${name} = ${JSON.stringify(value)} is a TypeError that says what was expected`, () => {
      expect(() => make({ [name]: value })).toThrow(new RegExp(`option ${name} must be`))
    })
  }

  it('what came is named as it came: text that looks like a number, a room that is none, options that were left out', () => {
    expect(() => make({ flushDelay: '5' })).toThrow(/got string 5/)
    expect(() => make({ persistence: true })).toThrow(/got boolean/)
    expect(() => new SealedProvider('ws://127.0.0.1:1', 12 as never, new Y.Doc(), offline)).toThrow(/got number$/)
    expect(() => new SealedProvider('ws://127.0.0.1:1', 'room', new Y.Doc(), undefined as never)).toThrow(
      /needs options/,
    )
  })

  it('ws: beyond this machine is refused unless the caller insists', () => {
    expect(() => make({}, 'ws://relay.example')).toThrow(SealedError)
    const provider = make({ allowInsecure: true }, 'ws://relay.example')
    expect(provider.serverUrl).toBe('ws://relay.example')
    provider.destroy()
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.0.0.2']) make({}, `ws://${host}:1`).destroy()
    // A name that only begins like loopback is somebody else's machine.
    for (const host of ['127.0.0.1.example', 'localhost.example'])
      expect(() => make({}, `ws://${host}`)).toThrow(/wss:/)
  })

  it('no WebSocket on the platform is `unsupported`, with the option that mends it', () => {
    expect(() => new RelayConnection('ws://127.0.0.1:1')).toThrow(/WebSocketPolyfill/)
  })

  it('a document of another Yjs is refused with a hint at the double import', () => {
    expect(() => new SealedProvider('ws://127.0.0.1:1', 'room', {} as Y.Doc, offline)).toThrow(/installed twice/)
  })

  it('a URL that is none says so without repeating it', () => {
    expect(() => make({}, 'not a url')).toThrow(/absolute/)
    expect(() => make({}, 'ftp://relay.example')).toThrow(/must be wss:/)
  })

  it('one host for relay and keys is warned of once, outside loopback', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const oneHost = { keys: keyEndpoint('https://both.example/keys') }
    make(oneHost, 'wss://relay.example').destroy()
    make({ keys: keyEndpoint('http://127.0.0.1:1/keys') }).destroy()
    expect(warn).not.toHaveBeenCalled()
    make(oneHost, 'wss://both.example').destroy()
    make(oneHost, 'wss://both.example').destroy()
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toContain('both.example')
    warn.mockRestore()
  })
})
