import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type AuditLine, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import type { Express } from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as jwt from '../../server/key-endpoint/examples/jwt.mjs'
import * as sessionCookie from '../../server/key-endpoint/examples/session-cookie.mjs'
import { projectRoot } from '../support/project-root.ts'
import { ask, send } from '../unit/key-endpoint/fixtures.ts'

const EXAMPLES = 'server/key-endpoint/examples'

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // A TCP server has an AddressInfo.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function memoryStore() {
  const store = openSqliteKeyStore('memory')
  onTestFinished(() => store.close())
  return store
}

describe('the session-cookie example', () => {
  it('gives three users of three documents exactly the keys that are theirs', async () => {
    const names = ['ada', 'bob', 'eve']
    const documents = ['doc-1', 'doc-2', 'doc-3']
    const users = Object.fromEntries(names.map((name) => [name, sessionCookie.createUser(`password of ${name}`)]))
    const members = new Map(
      Object.entries({
        'doc-1': { ada: 'admin', bob: 'read' },
        'doc-2': { bob: 'write', eve: 'read' },
        'doc-3': { eve: 'write' },
      }).map(([id, roles]) => [id, new Map<string, string>(Object.entries(roles))]),
    )
    const lines: AuditLine[] = []
    const audit = (line: AuditLine) => void lines.push(line)
    const url = await listen(sessionCookie.createApp({ users, members, store: memoryStore(), audit }))

    const cookies = new Map<string, string>()
    for (const name of names) {
      const { headers, status } = await ask(`${url}/login`, { name, password: `password of ${name}` })
      expect(status).toBe(204)
      cookies.set(name, headers['set-cookie']?.[0]?.split(';')[0] ?? '')
    }
    expect((await ask(`${url}/login`, { name: 'ada', password: 'password of bob' })).status).toBe(401)
    const as = (name: string, question: object) =>
      ask(`${url}/keys`, question, { origin: url, cookie: cookies.get(name) ?? '' })

    // Writers first: a reader finds what there is.
    const keys = new Map<string, { key: unknown; keyHint: unknown }>()
    for (const [documentId, name] of [...documents.entries()].map(([i, id]) => [id, names[i] ?? ''] as const)) {
      const { status, json } = await as(name, { documentId, keyHint: null })
      expect(status).toBe(200)
      keys.set(documentId, { key: json.key, keyHint: json.keyHint })
    }
    expect(new Set([...keys.values()].map(({ key }) => key)).size).toBe(3)
    for (const documentId of documents) {
      for (const name of names) {
        for (const [of, { key, keyHint }] of keys) {
          const { status, json, text } = await as(name, { documentId, keyHint })
          const isMember = members.get(documentId)?.has(name) === true
          expect(status, `${name}, ${documentId}, the hint of ${of}`).toBe(
            !isMember ? 403 : of === documentId ? 200 : 404,
          )
          if (status === 200) expect(json).toMatchObject({ key, keyHint })
          else expect(text).toMatch(/^\{"error":"(refused|key-unknown)"\}$/)
        }
      }
    }
    // Nothing but null, of which each document had one, was a writer's to ask.
    expect(lines.filter(({ purpose, outcome }) => purpose === 'create' && outcome === 'done')).toHaveLength(3)
    expect(lines).toHaveLength(3 + 27)
    for (const { key } of keys.values()) expect(JSON.stringify(lines)).not.toContain(String(key))
    expect((await ask(`${url}/keys`, { documentId: 'doc-1', keyHint: null })).status).toBe(401)
  })

  it('is not asked by a page of another site, nor by a form with the cookie of somebody who is logged in', async () => {
    const users = { ada: sessionCookie.createUser('secret') }
    const members = new Map([['doc-1', new Map([['ada', 'admin']])]])
    const url = await listen(sessionCookie.createApp({ users, members, store: memoryStore(), audit: () => {} }))
    const { headers } = await ask(`${url}/login`, { name: 'ada', password: 'secret' })
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const body = JSON.stringify({ documentId: 'doc-1', keyHint: null })
    const json = { 'content-type': 'application/json' }
    for (const [origin, status] of [
      [{ origin: url }, 200],
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      // Whoever sends a cookie and hides where it comes from.
      [{}, 403],
    ] as const) {
      expect((await send(`${url}/keys`, { headers: { ...json, cookie, ...origin }, body })).status).toBe(status)
      expect(
        (await send(`${url}/keys/rotate`, { headers: { ...json, cookie, ...origin }, body: '{"documentId":"doc-1"}' }))
          .status,
      ).toBe(status)
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const form = { headers: { 'content-type': type, cookie, origin: url }, body }
      expect((await send(`${url}/keys`, form)).status).toBe(415)
    }
  })
})

describe('the JWT example', () => {
  it('answers its own tokens for their documents, and no token of a relay', async () => {
    const secret = 'Vq3Xn8Lr5Tz1Wc7Hk4Bm9Yd2Sf6Gj0Pa'
    const url = `${await listen(jwt.createApp({ store: memoryStore(), secret, cors: [] }))}/keys`
    const token = await jwt.createToken({ secret, subject: 'ada', role: 'write', documents: ['doc-1'] })
    const headers = { authorization: `Bearer ${token}` }
    expect((await ask(url, { documentId: 'doc-1', keyHint: null }, headers)).status).toBe(200)
    expect((await ask(url, { documentId: 'doc-2', keyHint: null }, headers)).status).toBe(403)
    expect((await ask(url, { documentId: 'doc-1', keyHint: null })).status).toBe(401)
  })
})

it.each([
  ['session-cookie.mjs', '  // What is new.\n', '  return app\n'],
  ['jwt.mjs', '  app.use(', '  return app\n'],
])('what %s adds to an app is no more than thirty lines', (name, from, to) => {
  const source = readFileSync(join(projectRoot(), EXAMPLES, name), 'utf8')
  const added = source.slice(source.indexOf(from), source.indexOf(to)).trim().split('\n')
  expect(added.length).toBeGreaterThan(0)
  expect(added.length).toBeLessThanOrEqual(30)
})
