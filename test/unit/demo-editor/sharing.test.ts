import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDemoApp } from '../../../demo-editor/server/demo-app.ts'

const secretOf = (name: string) => new TextEncoder().encode(name.padEnd(43, '-'))

interface Told {
  atMs: number
  path: string | undefined
  token: string
  body: unknown
}

describe('who may open a document of the demo, and who decides', () => {
  let folder: string
  let server: Server
  let origin: string
  /** Stands for the relay's admin API and for the key endpoint: what they were told, in order. */
  let operators: Server
  let told: Told[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'y-sealed-members-'))
    told = []
    operators = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      told.push({
        atMs: Date.now(),
        path: request.url,
        token: request.headers.authorization?.slice(7) ?? '',
        body: JSON.parse(body),
      })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
    await listen(operators)
    await start()
  })
  afterEach(() => {
    for (const each of [server, operators]) each.closeAllConnections()
    server.close()
    operators.close()
    rmSync(folder, { recursive: true })
  })

  const listen = async (one: Server) => {
    await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(one.address() as AddressInfo).port}` // listening on TCP
  }
  const start = async () => {
    server = createServer()
    origin = await listen(server)
    const operatorsUrl = `http://127.0.0.1:${(operators.address() as AddressInfo).port}` // listening on TCP
    const app = createDemoApp({
      origin,
      relayUrl: 'ws://127.0.0.1:1',
      keysUrl: `${operatorsUrl}/keys`,
      relaySecret: secretOf('relay'),
      keysSecret: secretOf('keys'),
      signInSecret: secretOf('sign-in'),
      relayAdminUrl: `${operatorsUrl}/admin/`,
      relayAdminToken: 'the operator',
      keysTokenLifetimeMs: 1_000,
      membersFile: join(folder, 'members.json'),
      pageFolder: folder,
    })
    server.on('request', app)
  }
  const post = async (path: string, body: object) => {
    const response = await fetch(origin + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { origin, 'content-type': 'application/json' },
    })
    return { status: response.status, ...(await response.json()) }
  }
  const passOf = async (name: string): Promise<string> => (await post('/sign-in', { name })).pass
  const as = async (name: string, path: string, fields: object) => post(path, { pass: await passOf(name), ...fields })
  const document = 'plans'
  const enter = (name: string) => as(name, '/access', { document })

  it('the first to open it owns it; who comes with the link gets what the owner gives to the link', async () => {
    expect(await enter('Alice')).toMatchObject({ role: 'write', isOwner: true, keyIn: 'endpoint' })
    expect(await enter('Bob')).toMatchObject({ role: 'write', isOwner: false })
    expect(await as('Alice', '/share', { document, link: 'read' })).toMatchObject({ status: 200, link: 'read' })
    const carol = await enter('Carol')
    expect(carol.role).toBe('read')
    expect([carol.relayToken, carol.keysToken].map((token) => decodeJwt(token).role)).toEqual(['read', 'read'])
    expect((await enter('Bob')).role).toBe('write')
    await as('Alice', '/share', { document, link: 'none' })
    expect(await enter('Dave')).toMatchObject({ status: 403, error: 'not-invited' })
    await as('Alice', '/share', { document, name: 'Dave', role: 'read' })
    expect((await enter('Dave')).role).toBe('read')
  })

  it('only the owner shares and removes, and nobody changes what the owner may do', async () => {
    await enter('Alice')
    await enter('Bob')
    const acts: [string, object][] = [
      ['/share', { document, link: 'none' }],
      ['/share', { document, name: 'Bob', role: 'write' }],
      ['/share', { document, name: 'Mallory', role: 'write' }],
      ['/remove', { document, name: 'Alice' }],
      ['/remove', { document, name: 'Bob' }],
    ]
    for (const name of ['Bob', 'Mallory']) {
      for (const [path, fields] of acts)
        expect(await as(name, path, fields)).toMatchObject({ status: 403, error: 'owner-only' })
    }
    expect(await as('Alice', '/remove', { document, name: 'Alice' })).toMatchObject({ status: 403 })
    expect(await as('Alice', '/share', { document, name: 'Alice', role: 'read' })).toMatchObject({ status: 403 })
    for (const [path, fields] of [...acts, ['/documents', {}] as const, ['/sharing', { document }] as const]) {
      expect(await post(path, { ...fields, pass: 'forged' })).toMatchObject({ status: 401 })
    }
    expect(told).toEqual([])
  })

  it('who is not in it learns nothing of it; everybody sees their own documents only', async () => {
    await enter('Alice')
    await enter('Bob')
    await as('Carol', '/create', { document: 'secret-plans', keyIn: 'link' })
    expect(await as('Carol', '/sharing', { document })).toMatchObject({ status: 403 })
    expect(await as('Carol', '/sharing', { document: 'nothing' })).toMatchObject({ status: 403 })
    expect((await as('Bob', '/documents', {})).documents).toEqual([
      { name: 'plans', keyIn: 'endpoint', role: 'write', people: 2 },
    ])
    expect((await as('Carol', '/documents', {})).documents).toEqual([
      { name: 'secret-plans', keyIn: 'link', role: 'owner', people: 1 },
    ])
    expect(await as('Bob', '/create', { document: 'secret-plans', keyIn: 'link' })).toMatchObject({ error: 'taken' })
  })

  it('removing: out of the book, out of the relay, then, when the last token to the key has run out, a new key', async () => {
    await enter('Alice')
    const { relayToken, keysToken } = await enter('Bob')
    expect(await as('Alice', '/remove', { document, name: 'Bob' })).toMatchObject({ status: 200, key: 'rotated' })
    expect(told.map(({ path }) => path)).toEqual(['/admin/close-sessions', '/keys/rotate', '/admin/recheck'])
    const [closed, rotated, rechecked] = told
    expect(closed).toMatchObject({
      token: 'the operator',
      body: { subject: decodeJwt(relayToken).sub, room: document },
    })
    expect(rotated!.atMs).toBeGreaterThanOrEqual(decodeJwt(keysToken).exp! * 1000)
    expect(decodeJwt(rotated!.token)).toMatchObject({ sub: 'Alice', documents: [document] })
    expect(rechecked).toMatchObject({ token: 'the operator', body: { room: document } })
    expect(await enter('Bob')).toMatchObject({ status: 403, error: 'removed' })
    expect(await as('Bob', '/sharing', { document })).toMatchObject({ status: 403 })
    expect((await as('Bob', '/documents', {})).documents).toEqual([])
    await as('Alice', '/share', { document, name: 'Bob', role: 'read' })
    expect((await enter('Bob')).role).toBe('read')
  })

  it('where the link holds the key there is none to replace, and that is said', async () => {
    await as('Alice', '/create', { document, keyIn: 'link' })
    await enter('Bob')
    expect(await as('Alice', '/remove', { document, name: 'Bob' })).toMatchObject({ status: 200, key: 'in-link' })
    expect(told.map(({ path }) => path)).toEqual(['/admin/close-sessions'])
  })

  it('who was removed stays out after a restart', async () => {
    await as('Alice', '/create', { document, keyIn: 'link' })
    await enter('Bob')
    await as('Alice', '/remove', { document, name: 'Bob' })
    server.close()
    server.closeAllConnections()
    await start()
    expect(await enter('Bob')).toMatchObject({ status: 403, error: 'removed' })
    expect(await enter('Alice')).toMatchObject({ isOwner: true, keyIn: 'link' })
  })

  it('refuses what is no role, no name and no document', async () => {
    await enter('Alice')
    const bad = [
      { document: '../plans', link: 'read' },
      { document, link: 'admin' },
      { document, name: 'Bob', role: 'owner' },
      { document, name: '', role: 'read' },
      { document, name: '__proto__', role: ['read'] },
      {},
    ]
    for (const fields of bad) expect((await as('Alice', '/share', fields)).status).toBe(400)
    for (const name of ['__proto__', 'constructor']) {
      expect((await as('Alice', '/share', { document, name, role: 'read' })).status).toBe(200)
      expect((await enter(name)).role).toBe('read')
    }
    expect((await enter('toString')).role).toBe('write')
  })
})
