import {
  type Access,
  type AccessQuestion,
  AuthenticationError,
  type Authorize,
  type KeyRouterOptions,
  type KeyStore,
  keyRouter,
  openSqliteKeyStore,
  type Purpose,
} from '@y-sealed/key-endpoint'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { type Answer, ask, asWriter, mount, send } from './fixtures.ts'

/** Counts what is made, to show that a refused request made nothing. */
function countingStore(): KeyStore & { made: number } {
  const store = openSqliteKeyStore('memory')
  const counting = {
    ...store,
    made: 0,
    currentOrNew: (documentId: string) => {
      counting.made++
      return store.currentOrNew(documentId)
    },
    rotate: (documentId: string, after?: string) => {
      counting.made++
      return store.rotate(documentId, after)
    },
  }
  return counting
}

describe('a document gets its key', () => {
  it('a new one for null, the same one ever after, by null and by hint', async () => {
    const { url } = await mount()
    const first = await ask(url, { documentId: 'doc-1', keyHint: null })
    expect(first.status).toBe(200)
    expect(first.json).toEqual({
      key: expect.any(String),
      keyHint: expect.any(String),
      epoch: expect.any(Number),
      active: true,
      record: null,
    })
    expect((await ask(url, { documentId: 'doc-1', keyHint: null })).json).toEqual(first.json)
    expect((await ask(url, { documentId: 'doc-1', keyHint: first.json.keyHint })).json).toEqual(first.json)
  })

  it('the same one for fifty who ask at once', async () => {
    const { url } = await mount()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(url, { documentId: 'doc-1', keyHint: null })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  it('not for a hint that was never issued, nor for the empty one, and then makes none', async () => {
    const store = countingStore()
    const { url } = await mount({ store })
    for (const keyHint of ['', 'never-issued', '🔑', "' OR 1=1 --"]) {
      const answer = await ask(url, { documentId: 'doc-1', keyHint })
      expect([answer.status, answer.text]).toEqual([404, '{"error":"key-unknown"}'])
    }
    expect(store.made).toBe(0)
  })

  it('not for the hint of another document', async () => {
    const { url } = await mount()
    const { json } = await ask(url, { documentId: 'doc-1', keyHint: null })
    const answer = await ask(url, { documentId: 'doc-2', keyHint: json.keyHint })
    expect([answer.status, answer.text]).toEqual([404, '{"error":"key-unknown"}'])
  })

  it('also where the app has read the JSON already', async () => {
    const { url } = await mount({}, express.json())
    expect((await ask(url, { documentId: 'doc-1', keyHint: null })).status).toBe(200)
    expect((await ask(url, { documentId: 1, keyHint: null })).status).toBe(400)
    expect((await ask(url, [])).status).toBe(400)
  })
})

describe('authorize', () => {
  it('is asked for each request, with the document and what the key is wanted for', async () => {
    const questions: AccessQuestion[] = []
    const authorize: Authorize = (_request, question) => {
      questions.push(question)
      return { subject: 'ada', role: 'write' }
    }
    const { url } = await mount({ authorize })
    const { json } = await ask(url, { documentId: 'doc-1', keyHint: null })
    await ask(url, { documentId: 'doc-1', keyHint: null })
    await ask(url, { documentId: 'doc-1', keyHint: json.keyHint })
    await ask(url, { documentId: 'doc-1', keyHint: 'never-issued' })
    expect(questions).toEqual([
      { documentId: 'doc-1', purpose: 'create' },
      { documentId: 'doc-1', purpose: 'read-current' },
      { documentId: 'doc-1', purpose: 'read-current' },
      { documentId: 'doc-1', purpose: 'read-current' },
    ])
  })

  it('is told of a key that is no longer written with', async () => {
    const questions: AccessQuestion[] = []
    const authorize: Authorize = (_request, question) => {
      questions.push(question)
      return { subject: 'ada', role: 'read' }
    }
    const { url, store } = await mount({ authorize })
    const { keyHint } = await store.currentOrNew('d')
    await store.rotate('d')
    expect((await ask(url, { documentId: 'd', keyHint })).json).toMatchObject({ keyHint, active: false })
    expect(questions).toEqual([{ documentId: 'd', purpose: 'read-old' }])
  })

  const MAY: Record<Purpose, readonly Access['role'][]> = {
    'read-current': ['read', 'write', 'admin'],
    'read-old': ['read', 'write', 'admin'],
    create: ['write', 'admin'],
    rotate: ['write', 'admin'],
    admin: ['admin'],
  }
  it.each(
    Object.entries(MAY).flatMap(([purpose, roles]) =>
      (['read', 'write', 'admin'] as const).map((role) => [role, purpose, roles.includes(role)] as const),
    ),
  )('the role %s for the purpose %s: %s', async (role, purpose, may) => {
    const asked: AccessQuestion[] = []
    const authorize: Authorize = (_request, question) => {
      asked.push(question)
      return { subject: 'ada', role }
    }
    const { url, store } = await mount({ authorize })
    const old = await store.currentOrNew('d')
    const current = await store.rotate('d')
    const questions: Record<Purpose, () => Promise<Answer>> = {
      'read-current': () => ask(url, { documentId: 'd', keyHint: current.keyHint }),
      'read-old': () => ask(url, { documentId: 'd', keyHint: old.keyHint }),
      create: () => ask(url, { documentId: 'new', keyHint: null }),
      rotate: () => ask(url, { documentId: 'd', keyHint: null, after: current.keyHint }),
      admin: () => ask(`${url}/shred`, { documentId: 'd', keyHint: old.keyHint }),
    }
    // The names are those of the table.
    const { status, text } = await questions[purpose as Purpose]()
    expect(asked.map((question) => question.purpose)).toEqual([purpose])
    expect(status).toBe(may ? 200 : 403)
    if (!may) expect(text).toBe('{"error":"refused"}')
    expect((await store.list('d')).map(({ state }) => state)).toEqual(
      may && purpose === 'rotate'
        ? ['inactive', 'inactive', 'active']
        : [may && purpose === 'admin' ? 'shredded' : 'inactive', 'active'],
    )
  })

  it('lets a reader read and not create; a writer or admin may', async () => {
    let role: Access['role'] = 'read'
    const store = countingStore()
    const { url } = await mount({ store, authorize: () => ({ subject: 'ada', role }) })
    expect((await ask(url, { documentId: 'd', keyHint: null })).status).toBe(403)
    expect(store.made).toBe(0)
    role = 'admin'
    const { json } = await ask(url, { documentId: 'd', keyHint: null })
    role = 'read'
    expect((await ask(url, { documentId: 'd', keyHint: null })).json).toEqual(json)
    expect((await ask(url, { documentId: 'd', keyHint: json.keyHint })).json).toEqual(json)
  })

  it.each([
    ['null', null],
    ['undefined', undefined],
    ['no role', { subject: 'ada' }],
    ['a role nobody knows', { subject: 'ada', role: 'owner' }],
    ['a role from the prototype', { subject: 'ada', role: 'constructor' }],
    ['true', true],
  ])('that answers %s means no', async (_what, access) => {
    const store = countingStore()
    // What an app without TypeScript may answer.
    const { url } = await mount({ store, authorize: () => access as Access | null })
    const answer = await ask(url, { documentId: 'd', keyHint: null })
    expect([answer.status, answer.text]).toEqual([403, '{"error":"refused"}'])
    expect(store.made).toBe(0)
  })

  it('may not know who asks: 401', async () => {
    const authorize = () => {
      throw new AuthenticationError('token of hunter2 expired')
    }
    const answer = await ask((await mount({ authorize })).url, { documentId: 'd', keyHint: null })
    expect([answer.status, answer.text]).toEqual([401, '{"error":"unauthenticated"}'])
    expect(answer.headers['www-authenticate']).toBe('Bearer')
  })

  it('that breaks means 500 without its words, and only its name is logged', async () => {
    const authorize = async () => {
      throw new RangeError('canary of the database')
    }
    const { url, log } = await mount({ authorize })
    const answer = await ask(url, { documentId: 'd', keyHint: null })
    expect([answer.status, answer.text]).toEqual([500, '{"error":"internal"}'])
    expect(log.lines).toEqual([{ level: 'error', fields: { error: 'RangeError' }, message: 'a key request failed' }])
  })

  it('tells those who may not know nothing: a document that exists and one that does not look the same', async () => {
    let allowed = true
    const { url } = await mount({ authorize: () => (allowed ? { subject: 'ada', role: 'write' } : null) })
    const { json } = await ask(url, { documentId: 'exists', keyHint: null })
    allowed = false
    const shape = ({ status, headers: { date: _, ...headers }, text }: Awaited<ReturnType<typeof ask>>) => ({
      status,
      headers,
      text,
    })
    const answers = await Promise.all([
      ask(url, { documentId: 'exists', keyHint: null }),
      ask(url, { documentId: 'exists', keyHint: json.keyHint }),
      ask(url, { documentId: 'exists', keyHint: 'never-issued' }),
      ask(url, { documentId: 'absent', keyHint: null }),
      ask(url, { documentId: 'absent', keyHint: json.keyHint }),
    ])
    for (const answer of answers) expect(shape(answer)).toEqual(shape(answers[0]!))
    expect(answers[0]?.status).toBe(403)
  })
})

describe('a request that is not one', () => {
  const good = JSON.stringify({ documentId: 'd', keyHint: null })
  const asJson = { 'content-type': 'application/json' }

  it.each([
    ['null', 'null'],
    ['123', '123'],
    ['""', '""'],
    ['{}', '{}'],
    ['an array', '[]'],
    ['no JSON', '{"documentId":'],
    ['nothing at all', ' '],
    ['no hint', '{"documentId":"d"}'],
    ['a number for a document', '{"documentId":1,"keyHint":null}'],
    ['an empty document id', '{"documentId":"","keyHint":null}'],
    ['a document id of 1,025 bytes', JSON.stringify({ documentId: 'x'.repeat(1_025), keyHint: null })],
    ['a lone surrogate in the document id', '{"documentId":"\\ud800","keyHint":null}'],
    ['a lone surrogate in the hint', '{"documentId":"d","keyHint":"\\udc00"}'],
    ['a hint of 257 units', JSON.stringify({ documentId: 'd', keyHint: 'x'.repeat(257) })],
    ['a hint that is an object', '{"documentId":"d","keyHint":{"$ne":null}}'],
    ['a member nobody knows', '{"documentId":"d","keyHint":null,"role":"admin"}'],
    ['bytes that are not UTF-8', Buffer.from('{"documentId":"d\xff","keyHint":null}', 'latin1')],
    ['`after` beside a hint', '{"documentId":"d","keyHint":"h","after":"h"}'],
    ['`record` without a hint', JSON.stringify({ documentId: 'd', keyHint: null, record: 'A'.repeat(43) })],
    ['another spelling of a `record`', JSON.stringify({ documentId: 'd', keyHint: 'h', record: `${'A'.repeat(42)}B` })],
  ])('is refused with 400 and makes nothing: %s', async (_what, body) => {
    const store = countingStore()
    const { url } = await mount({ store })
    const answer = await send(url, { headers: asJson, body })
    expect([answer.status, answer.text]).toEqual([400, '{"error":"malformed"}'])
    expect(store.made).toBe(0)
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s is refused with 405', async (method) => {
    const answer = await send((await mount()).url, { method, headers: asJson, body: good })
    expect([answer.status, answer.text, answer.headers.allow]).toEqual([405, '{"error":"post-only"}', 'POST, OPTIONS'])
  })

  it.each([
    ['text/plain, which any page may send', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no content type', {}],
    ['a compressed body', { ...asJson, 'content-encoding': 'gzip' }],
  ])('is refused with 415 and makes nothing: %s', async (_what, headers) => {
    const store = countingStore()
    const answer = await send((await mount({ store })).url, { headers, body: good })
    expect([answer.status, answer.text]).toEqual([415, '{"error":"json-only"}'])
    expect(store.made).toBe(0)
  })

  it('of more than 16 KiB is refused with 413, and the endpoint lives on', async () => {
    const { url } = await mount()
    const answer = await send(url, { headers: asJson, body: `${good}${' '.repeat(16 * 1024)}` })
    expect([answer.status, answer.text]).toEqual([413, '{"error":"too-large"}'])
    expect((await send(url, { headers: asJson, body: good })).status).toBe(200)
  })
})

describe('a web page', () => {
  const APP = 'https://app.example'
  const question = { documentId: 'd', keyHint: null }

  it('of an allowed origin may ask, with cookies, and may read when to come back', async () => {
    const { url } = await mount({ cors: [APP] })
    const preflight = await send(url, {
      method: 'OPTIONS',
      headers: {
        origin: APP,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization,content-type',
    })
    const answer = await ask(url, question, { origin: APP })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-expose-headers': 'Retry-After',
    })
  })

  it.each([
    'https://evil.example',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
    'https://APP.example.',
    'null',
    'file://',
    '*',
    '',
  ])('of the origin %j may not, not even as a preflight, and makes nothing', async (origin) => {
    const store = countingStore()
    const { url } = await mount({ store, cors: [APP] })
    for (const answer of [
      await send(url, { method: 'OPTIONS', headers: { origin } }),
      await ask(url, question, { origin }),
    ]) {
      expect([answer.status, answer.text]).toEqual([403, '{"error":"origin-refused"}'])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(store.made).toBe(0)
  })

  it('of the endpoint’s own origin needs no list', async () => {
    const { url } = await mount()
    expect((await ask(url, question, { origin: new URL(url).origin })).status).toBe(200)
    expect((await ask(url, question, { origin: APP })).status).toBe(403)
  })
})

it('every answer, of whatever kind, forbids caches to keep it and depends on the origin', async () => {
  const { url } = await mount({ cors: ['https://app.example'] })
  const answers = [
    await ask(url, { documentId: 'd', keyHint: null }),
    await ask(url, { documentId: 'd', keyHint: 'unknown' }),
    await ask(url, {}),
    await ask(url, {}, { origin: 'https://evil.example' }),
    await send(url, { method: 'GET' }),
    await send(url, { method: 'OPTIONS', headers: { origin: 'https://app.example' } }),
  ]
  for (const { status, headers } of answers) {
    expect(headers['cache-control'], String(status)).toBe('no-store')
    expect(headers.vary, String(status)).toContain('Origin')
  }
})

describe('a router cannot be made', () => {
  const store = openSqliteKeyStore('memory')

  it.each([
    ['without authorize', { store }, 'authorize is required, a function; got undefined'],
    [
      'with authorize that is no function',
      { store, authorize: true },
      'authorize is required, a function; got boolean',
    ],
    ['without a store', { authorize: asWriter }, 'store is required'],
    ['with null for a store', { authorize: asWriter, store: null }, 'such as openKeyStore() gives; got null'],
    ['with an option it does not know', { store, authorize: asWriter, origins: '*' }, 'unknown option "origins"'],
    ['with an age without a unit', { store, authorize: asWriter, rotateAfter: '30' }, 'rotateAfter: expected an age'],
    ['with an age of nothing', { store, authorize: asWriter, rotateAfter: '0d' }, 'rotateAfter: expected an age'],
    ['with a wildcard for origins', { store, authorize: asWriter, cors: ['*'] }, 'entry 1 is not an origin'],
    ['with a URL for an origin', { store, authorize: asWriter, cors: ['https://app.example/'] }, 'is not an origin'],
  ])('%s: TypeError', (_what, options, message) => {
    // What an app without TypeScript may pass.
    const make = () => keyRouter(options as unknown as KeyRouterOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})
