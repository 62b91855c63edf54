import {
  type AuditLine,
  AuthenticationError,
  type Authorize,
  fixedKeys,
  openSqliteKeyStore,
} from '@y-sealed/key-endpoint'
import { describe, expect, it } from 'vitest'
import { ask, mount } from './fixtures.ts'

const authorize: Authorize = (request) => {
  const subject = request.get('authorization')
  if (subject === undefined) throw new AuthenticationError('nobody')
  return subject === 'eve' ? null : { subject, role: subject === 'ada' ? 'admin' : 'read' }
}

describe('the audit log', () => {
  it('has a line for whatever was decided about a key, and no key', async () => {
    const lines: AuditLine[] = []
    const { url } = await mount({ authorize, audit: (line) => void lines.push(line) })
    const as = (authorization: string, body: object, path = '') => ask(url + path, body, { authorization })
    const { json } = await as('ada', { documentId: 'd', keyHint: null })
    const keyHint = String(json.keyHint)
    await as('bob', { documentId: 'd', keyHint })
    await as('bob', { documentId: 'd', keyHint: 'unknown' })
    await as('eve', { documentId: 'd', keyHint })
    await as('bob', { documentId: 'd' }, '/rotate')
    await as('ada', { documentId: 'd' }, '/rotate')
    await as('ada', { documentId: 'd', keyHint }, '/shred')
    await as('ada', { documentId: 'd' }, '/list')

    const shown = lines.map(({ at, act, documentId, ...line }) => {
      expect(new Date(at).toISOString()).toBe(at)
      expect(documentId).toBe('d')
      return [act, line.subject, line.purpose, line.keyHint, line.outcome]
    })
    expect(shown).toEqual([
      ['key', 'ada', 'create', keyHint, 'done'],
      ['key', 'bob', 'read-current', keyHint, 'done'],
      ['key', 'bob', 'read-current', 'unknown', 'key-unknown'],
      ['key', null, 'read-current', keyHint, 'refused'],
      ['rotate', 'bob', 'rotate', null, 'refused'],
      ['rotate', 'ada', 'rotate', null, 'done'],
      ['shred', 'ada', 'admin', keyHint, 'done'],
      ['list', 'ada', 'admin', null, 'done'],
    ])
    expect(JSON.stringify(lines)).not.toContain(String(json.key))
  })

  it('that cannot be written keeps the key in: nothing is answered that leaves no line', async () => {
    const audit = () => Promise.reject(new Error('the disk is full'))
    const { url, log } = await mount({ authorize, audit })
    const answer = await ask(url, { documentId: 'd', keyHint: null }, { authorization: 'ada' })
    expect([answer.status, answer.text]).toEqual([500, '{"error":"internal"}'])
    expect(JSON.stringify(log.lines)).not.toContain('disk')
  })
})

it('what was issued once and is gone looks like what never was: one 404, the same to the byte', async () => {
  const { url, store } = await mount({ authorize })
  const as = (body: object) => ask(url, body, { authorization: 'bob' })
  const { keyHint } = await store.currentOrNew('d')
  await store.rotate('d')
  await store.shred('d', keyHint)
  await store.rotate('d', 'a hint it lost')
  const answers = [
    await as({ documentId: 'd', keyHint }),
    await as({ documentId: 'd', keyHint: 'a hint it lost' }),
    await as({ documentId: 'd', keyHint: 'never issued' }),
    await as({ documentId: 'no such document', keyHint }),
    await as({ documentId: 'd', keyHint: '' }),
  ]
  const { date: _, ...headers } = answers[0]!.headers
  for (const answer of answers) {
    const { date: _, ...itsHeaders } = answer.headers
    expect([answer.status, answer.text, itsHeaders]).toEqual([404, '{"error":"key-unknown"}', headers])
  }
})

it('every answer tells a browser to do nothing with it', async () => {
  const { url } = await mount()
  for (const question of [{ documentId: 'd', keyHint: null }, {}]) {
    expect((await ask(url, question)).headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'content-security-policy': expect.stringContaining("default-src 'self'"),
    })
  }
})

it('the method "fixed" answers without a hint, and says that it cannot be rotated', async () => {
  const store = openSqliteKeyStore('memory').using(fixedKeys)
  const { url } = await mount({ store, authorize, rotateAfter: '1m' })
  const as = (body: object, path = '') => ask(url + path, body, { authorization: 'ada' })
  const { json } = await as({ documentId: 'd', keyHint: null })
  expect(json).not.toHaveProperty('keyHint')
  for (const keyHint of ['', 'any']) expect((await as({ documentId: 'd', keyHint })).json).toEqual(json)
  expect((await as({ documentId: 'd', keyHint: null, after: '' })).json).toEqual(json)
  for (const [path, body] of [
    ['/rotate', { documentId: 'd' }],
    ['/deactivate', { documentId: 'd', keyHint: '' }],
  ] as const) {
    expect(await as(body, path)).toMatchObject({ status: 409, json: { error: 'rotation-unsupported' } })
  }
})

it('the option "generate" makes what is new, and leaves what is old', async () => {
  const store = openSqliteKeyStore('memory')
  const old = await store.currentOrNew('old')
  const { url } = await mount({ store, authorize, generate: (id) => ({ key: `key of ${id}`, keyHint: 'mine' }) })
  const as = (body: object) => ask(url, body, { authorization: 'ada' })
  expect((await as({ documentId: 'old', keyHint: null })).json.key).toBe(old.key)
  expect((await as({ documentId: 'new', keyHint: null })).json).toMatchObject({ key: 'key of new', keyHint: 'mine' })
  expect((await as({ documentId: 'new', keyHint: 'mine' })).json.key).toBe('key of new')
  // It knows one hint only: who wants another key is given the same, and learns by that.
  expect((await as({ documentId: 'new', keyHint: null, after: 'mine' })).json.key).toBe('key of new')
  expect(await ask(`${url}/rotate`, { documentId: 'new' }, { authorization: 'ada' })).toMatchObject({
    status: 409,
    json: { error: 'rotation-unsupported' },
  })
})
