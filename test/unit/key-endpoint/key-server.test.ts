import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, recordingLog, send, startKeyServer, temporaryDirectory } from './fixtures.ts'

const QUESTION = { documentId: 'doc-1', keyHint: null }
const asAda = () => ({ subject: 'ada', role: 'write' }) as const

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('without authorize', () => {
  it('it serves this machine, and warns once', async () => {
    const log = recordingLog()
    const { url } = await startKeyServer({ log })
    for (let time = 0; time < 3; time++) expect((await ask(url, QUESTION)).status).toBe(200)
    expect(log.lines.map(({ level }) => level)).toEqual(['warn'])
    expect(log.lines[0]?.message).toContain('authorize')
  })

  it.each([
    ['under NODE_ENV=production', {}, 'production'],
    ['on every address', { host: '0.0.0.0' }, 'test'],
    ['on every IPv6 address', { host: '::' }, 'test'],
    ['on an address of the network', { host: '192.0.2.1' }, 'test'],
    ['for pages of other machines', { cors: ['https://app.example'] }, 'test'],
  ])('it does not start %s: auth-required', async (_what, options, environment) => {
    vi.stubEnv('NODE_ENV', environment)
    const started = createKeyServer({ data: 'memory', port: 0, log: recordingLog(), ...options })
    await expect(started).rejects.toMatchObject({ name: 'KeyServerError', code: 'auth-required' })
  })

  it.each(['localhost', '127.0.0.1', '127.9.9.9', '[::1]'])('it answers to the name %s', async (name) => {
    const { url } = await startKeyServer()
    expect((await ask(url, QUESTION, { host: `${name}:${new URL(url).port}` })).status).toBe(200)
  })

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '0.0.0.0',
    'a b',
    'evil.example@127.0.0.1',
    '127.0.0.1@evil.example',
  ])('it answers nothing to the name %j, which a web page may point here', async (host) => {
    const { url } = await startKeyServer()
    const answers = [
      await ask(url, QUESTION, { host }),
      await send(url.replace('/keys', '/healthz'), { method: 'GET', headers: { host } }),
    ]
    for (const answer of answers) expect([answer.status, answer.text]).toEqual([403, '{"error":"origin-refused"}'])
  })

  it('it lets pages of this machine ask, on any port, and no others', async () => {
    const { url } = await startKeyServer()
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1:8080', 'https://localhost']) {
      const answer = await ask(url, QUESTION, { origin })
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, origin])
    }
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
      expect((await ask(url, QUESTION, { origin })).status).toBe(403)
    }
  })

  it('a list narrows that down', async () => {
    const { url } = await startKeyServer({ cors: ['http://localhost:5173'] })
    expect((await ask(url, QUESTION, { origin: 'http://localhost:5173' })).status).toBe(200)
    expect((await ask(url, QUESTION, { origin: 'http://localhost:9999' })).status).toBe(403)
  })
})

describe('with authorize', () => {
  it('it starts in production, on any host, for any name, without a warning', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const log = recordingLog()
    const { url } = await startKeyServer({ authorize: asAda, host: '0.0.0.0', log })
    const local = url.replace('0.0.0.0', '127.0.0.1')
    expect((await ask(local, QUESTION, { host: 'keys.example' })).status).toBe(200)
    expect(log.lines).toEqual([])
  })

  it('it lets no page ask that is not on the list, not even of this machine', async () => {
    const { url } = await startKeyServer({ authorize: asAda, cors: ['https://app.example'] })
    expect((await ask(url, QUESTION, { origin: 'https://app.example' })).status).toBe(200)
    expect((await ask(url, QUESTION, { origin: 'http://localhost:5173' })).status).toBe(403)
  })
})

describe('beside the keys', () => {
  it('is a health check, and nothing else', async () => {
    const { url } = await startKeyServer()
    const origin = new URL(url).origin
    const health = await send(`${origin}/healthz`, { method: 'GET' })
    expect([health.status, health.text]).toEqual([200, '{"status":"ok"}'])
    for (const path of ['/', '/keys/doc-1', '/keys.sqlite', '/%zz', '/keys/../master.key']) {
      const answer = await send(`${origin}${path}`, { method: 'GET' })
      expect([400, 404, 405], path).toContain(answer.status)
      expect(Object.keys(answer.json), path).toEqual(['error'])
    }
  })

  it('are the headers that keep a browser from guessing', async () => {
    const { headers } = await ask((await startKeyServer()).url, QUESTION)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.any(String),
    })
    expect(headers['x-powered-by']).toBeUndefined()
  })
})

describe('its life', () => {
  it('gives the same keys after a restart', async () => {
    const data = temporaryDirectory()
    const first = await startKeyServer({ data })
    const { json } = await ask(first.url, QUESTION)
    await first.close()
    const second = await startKeyServer({ data })
    expect((await ask(second.url, QUESTION)).json).toEqual(json)
    expect((await ask(second.url, { ...QUESTION, keyHint: json.keyHint })).json).toEqual(json)
  })

  it('ends twice without harm, even with a connection that a client holds open', async () => {
    const server = await startKeyServer()
    const { port } = new URL(server.url)
    const socket = connect(Number(port), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    const hungUp = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    await Promise.all([server.close(), server.close()])
    await hungUp
    await expect(ask(server.url, QUESTION)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('does not begin on a port that is taken, and lets go of its data', async () => {
    const first = await startKeyServer()
    const data = temporaryDirectory()
    const taken = { data, port: Number(new URL(first.url).port), log: recordingLog() }
    await expect(createKeyServer(taken)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect((await ask((await startKeyServer({ data })).url, QUESTION)).status).toBe(200)
  })

  it.each([
    ['an option it does not know', { data: 'memory', autorize: asAda }, 'unknown option "autorize"'],
    ['no data', {}, "data is a directory, postgres://… or 'memory'; got undefined"],
    ['an empty name for its data', { data: '' }, "data is a directory, postgres://… or 'memory'; got no text"],
  ])('does not begin with %s: TypeError', async (_what, options, message) => {
    // What an app without TypeScript may pass.
    await expect(createKeyServer(options as { data: string })).rejects.toThrow(
      new TypeError(`createKeyServer: ${message}`),
    )
  })
})

describe('with two master keys', () => {
  it('seals again at start what is under the older one, and says when that one may go', async () => {
    const data = temporaryDirectory()
    const [old, young] = [randomBytes(32), randomBytes(32)]
    const before = await createKeyServer({ data, port: 0, masterKeys: [old], log: recordingLog() })
    const { json } = await ask(before.url, { documentId: 'doc-1', keyHint: null })
    await before.close()

    const log = recordingLog()
    const both = await createKeyServer({ data, port: 0, masterKeys: [young, old], log })
    expect((await ask(both.url, { documentId: 'doc-1', keyHint: json.keyHint })).json).toEqual(json)
    // Closing waits for it.
    await both.close()
    expect(log.lines.map(({ message }) => message)).toContain(
      'all keys are sealed under the first master key; once every instance says so, the others may go',
    )
    await expect(createKeyServer({ data, port: 0, masterKeys: [old] })).rejects.toMatchObject({
      code: 'master-key-wrong',
    })
    const { url } = await startKeyServer({ data, masterKeys: [young] })
    expect((await ask(url, { documentId: 'doc-1', keyHint: json.keyHint })).json).toEqual(json)
  })
})
