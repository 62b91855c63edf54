import { type Access, type AccessQuestion, AuthenticationError, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, mount } from './fixtures.ts'

const RECORD = 'A'.repeat(43)
const OTHER_RECORD = `B${'A'.repeat(42)}`
const UNKNOWN = [404, '{"error":"key-unknown"}']
const REFUSED = [403, '{"error":"refused"}']

/** An endpoint whose authorize says yes to `role`, which a test may change, and notes what it was asked. */
async function endpoint(options: { rotateAfter?: string } = {}) {
  const access: { role: Access['role'] } = { role: 'admin' }
  const questions: AccessQuestion[] = []
  const { url, store } = await mount({
    ...options,
    authorize: (_request, question) => {
      questions.push(question)
      return { subject: 'ada', role: access.role }
    },
  })
  const key = (question: object) => ask(url, { documentId: 'doc-1', keyHint: null, ...question })
  const act = (name: string, asked: object = {}) => ask(`${url}/${name}`, { documentId: 'doc-1', ...asked })
  return { url, store, access, questions, key, act }
}

const refusalOf = ({ status, text }: { status: number; text: string }) => [status, text]

afterEach(() => {
  vi.useRealTimers()
})

describe('null with the hint to leave', () => {
  it('gives twenty clients that rotate at once one new key', async () => {
    const { key, store } = await endpoint()
    const { json: first } = await key({})
    const answers = await Promise.all(Array.from({ length: 20 }, () => key({ after: first.keyHint })))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers[0]?.json).toMatchObject({ active: true, record: null })
    expect(answers[0]?.json.epoch).toBeGreaterThan(Number(first.epoch))
    expect((await key({ keyHint: first.keyHint })).json).toEqual({ ...first, active: false })
    expect(await store.list('doc-1')).toHaveLength(2)
  })

  it('gives a client that comes late the key of those who came before', async () => {
    const { key } = await endpoint()
    const { json: first } = await key({})
    await key({ after: first.keyHint })
    const { json: third } = await key({ after: (await key({})).json.keyHint })
    expect((await key({ after: first.keyHint })).json).toEqual(third)
  })

  it('asks authorize for what will be done: to rotate, or to read what others have made', async () => {
    const { key, questions } = await endpoint()
    const { json } = await key({})
    for (let time = 0; time < 2; time++) await key({ after: json.keyHint })
    expect(questions.map(({ purpose }) => purpose)).toEqual(['create', 'rotate', 'read-current'])
  })

  it('does not let a reader make a key, though one may have a key that others made', async () => {
    const { key, access, store } = await endpoint()
    const { json: first } = await key({})
    access.role = 'read'
    expect(refusalOf(await key({ after: first.keyHint }))).toEqual(REFUSED)
    expect(refusalOf(await key({ after: 'never issued' }))).toEqual(REFUSED)
    expect(await store.list('doc-1')).toHaveLength(1)
    access.role = 'write'
    const { json: second } = await key({ after: first.keyHint })
    access.role = 'read'
    expect((await key({ after: first.keyHint })).json).toEqual(second)
  })

  it('of another document does not count as known', async () => {
    const { key, store, url } = await endpoint()
    const other = await ask(url, { documentId: 'doc-2', keyHint: null })
    const { json: first } = await key({})
    const { json: second } = await key({ after: other.json.keyHint })
    expect(second.keyHint).not.toBe(first.keyHint)
    expect((await ask(url, { documentId: 'doc-2', keyHint: null })).json).toEqual(other.json)
    expect(refusalOf(await key({ keyHint: other.json.keyHint }))).toEqual(UNKNOWN)
    expect(await store.list('doc-2')).toHaveLength(1)
  })
})

describe('a record hash', () => {
  it('is null until a writer reports one, and then in every answer, the one to null included', async () => {
    const { key } = await endpoint()
    const { json: first } = await key({})
    expect(first.record).toBe(null)
    const reported = { ...first, record: RECORD }
    expect((await key({ keyHint: first.keyHint, record: RECORD })).json).toEqual(reported)
    expect((await key({ keyHint: first.keyHint })).json).toEqual(reported)
    expect((await key({})).json).toEqual(reported)
    await key({ after: first.keyHint })
    expect((await key({ keyHint: first.keyHint })).json).toEqual({ ...reported, active: false })
  })

  it('that was reported stays, whatever the next writer says', async () => {
    const { key } = await endpoint()
    const { keyHint } = (await key({})).json
    await key({ keyHint, record: RECORD })
    expect((await key({ keyHint, record: OTHER_RECORD })).json.record).toBe(RECORD)
  })

  it('is the same for all of twenty who report different ones at once', async () => {
    const { key } = await endpoint()
    const { keyHint } = (await key({})).json
    const hashes = Array.from({ length: 20 }, (_, index) => Buffer.alloc(32, index).toString('base64url'))
    const answers = await Promise.all(hashes.map((record) => key({ keyHint, record })))
    expect(new Set(answers.map(({ json }) => json.record)).size).toBe(1)
  })

  it('from a reader is not kept: one who may not write must not make writers believe in a fork', async () => {
    const { key, access } = await endpoint()
    const { keyHint } = (await key({})).json
    access.role = 'read'
    expect((await key({ keyHint, record: OTHER_RECORD })).json).toMatchObject({ keyHint, record: null })
    access.role = 'write'
    expect((await key({ keyHint, record: RECORD })).json.record).toBe(RECORD)
  })

  it('for a hint that was never issued makes nothing', async () => {
    const { key, store } = await endpoint()
    expect(refusalOf(await key({ keyHint: 'never issued', record: RECORD }))).toEqual(UNKNOWN)
    expect(await store.list('doc-1')).toEqual([])
  })
})

describe('POST …/rotate', () => {
  it('makes a new key current and answers everything but the key', async () => {
    const { act, key, questions } = await endpoint()
    const { json: first } = await key({})
    const rotated = await act('rotate')
    expect(rotated.json).toEqual({
      keyHint: expect.any(String),
      epoch: expect.any(Number),
      state: 'active',
      record: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(rotated.headers['cache-control']).toBe('no-store')
    expect(questions.at(-1)).toEqual({ documentId: 'doc-1', purpose: 'rotate' })
    const { json: second } = await key({})
    expect(second.keyHint).toBe(rotated.json.keyHint)
    expect((await key({ keyHint: first.keyHint })).json).toEqual({ ...first, active: false })
    // A client that then leaves the old key finds the administrator's, and makes none of its own.
    expect((await key({ after: first.keyHint })).json).toEqual(second)
  })

  it('with the hint to leave may be repeated', async () => {
    const { act, key, store } = await endpoint()
    const { keyHint } = (await key({})).json
    const answers = await Promise.all(Array.from({ length: 5 }, () => act('rotate', { after: keyHint })))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await store.list('doc-1')).toHaveLength(2)
  })

  it('of a document that nobody has asked for is a slip, and makes nothing', async () => {
    const { act, store } = await endpoint()
    expect(refusalOf(await act('rotate'))).toEqual(UNKNOWN)
    expect(await store.list('doc-1')).toEqual([])
  })
})

describe('deactivating and shredding', () => {
  it('a deactivated key is read with and not written with; the next writer makes a new one', async () => {
    const { act, key } = await endpoint()
    const { json: first } = await key({})
    expect((await act('deactivate', { keyHint: first.keyHint })).json).toMatchObject({ state: 'inactive' })
    expect((await key({ keyHint: first.keyHint })).json).toEqual({ ...first, active: false })
    const answers = await Promise.all([key({ after: first.keyHint }), key({ after: first.keyHint }), key({})])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers[0]?.json.keyHint).not.toBe(first.keyHint)
  })

  it('a shredded key is 404 for ever, by whatever way it is asked for', async () => {
    const { act, key } = await endpoint()
    const { json: first } = await key({})
    const { json: second } = await key({ after: first.keyHint })
    expect((await act('shred', { keyHint: first.keyHint })).json).toMatchObject({ state: 'shredded' })
    const { keyHint } = first
    for (let time = 0; time < 2; time++) {
      expect(refusalOf(await key({ keyHint }))).toEqual(UNKNOWN)
      expect(refusalOf(await key({ keyHint, record: RECORD }))).toEqual(UNKNOWN)
      expect(refusalOf(await act('deactivate', { keyHint }))).toEqual(UNKNOWN)
      expect((await key({ after: keyHint })).json).toEqual(second)
      expect((await act('shred', { keyHint })).status).toBe(200)
      await act('rotate', { after: keyHint })
    }
  })

  it('the key that is written with cannot be shredded', async () => {
    const { act, key } = await endpoint()
    const { json } = await key({})
    expect(refusalOf(await act('shred', { keyHint: json.keyHint }))).toEqual([409, '{"error":"key-active"}'])
    expect((await key({ keyHint: json.keyHint })).json).toEqual(json)
  })

  it.each(['deactivate', 'shred'])('to %s what was never issued is 404', async (name) => {
    const { act, key } = await endpoint()
    await key({})
    expect(refusalOf(await act(name, { keyHint: 'never issued' }))).toEqual(UNKNOWN)
  })
})

it('the list shows hints, numbers, states and record hashes, oldest first, and no key', async () => {
  const { act, key } = await endpoint()
  const { json: first } = await key({})
  await key({ keyHint: first.keyHint, record: RECORD })
  const { json: second } = await key({ after: first.keyHint })
  const { json, text } = await act('list')
  expect(json).toEqual({
    keys: [
      { keyHint: first.keyHint, epoch: first.epoch, state: 'inactive', record: RECORD, createdAt: expect.any(String) },
      { keyHint: second.keyHint, epoch: second.epoch, state: 'active', record: null, createdAt: expect.any(String) },
    ],
  })
  for (const secret of [first.key, second.key]) expect(text).not.toContain(secret)
})

describe('who may', () => {
  it.each([
    ['read', []],
    ['write', ['rotate']],
    ['admin', ['rotate', 'deactivate', 'shred', 'list']],
  ] as const)('as %s: %j', async (role, allowed) => {
    const { act, key, access, store } = await endpoint()
    const { keyHint } = (await key({})).json
    const { keyHint: current } = (await key({ after: keyHint })).json
    const before = await store.list('doc-1')
    access.role = role
    for (const name of ['rotate', 'deactivate', 'shred', 'list'] as const) {
      const asked = name === 'rotate' ? { after: current } : name === 'list' ? {} : { keyHint }
      const answer = await act(name, asked)
      if (allowed.some((one) => one === name)) expect(answer.status, name).toBe(200)
      else expect(refusalOf(answer), name).toEqual(REFUSED)
    }
    if (allowed.length === 0) expect(await store.list('doc-1')).toEqual(before)
  })

  it.each(['rotate', 'deactivate', 'shred', 'list'])(
    'not: learns nothing from %s about what there is, and changes nothing',
    async (name) => {
      let allowed = true
      const { url, store } = await mount({ authorize: () => (allowed ? { subject: 'ada', role: 'admin' } : null) })
      const { json } = await ask(url, { documentId: 'exists', keyHint: null })
      const before = await store.list('exists')
      allowed = false
      const member = name === 'rotate' ? 'after' : 'keyHint'
      const answers = await Promise.all(
        ['exists', 'absent'].flatMap((documentId) =>
          [json.keyHint, 'never issued'].map((hint) =>
            ask(`${url}/${name}`, { documentId, ...(name === 'list' ? {} : { [member]: hint }) }),
          ),
        ),
      )
      expect(answers.map(refusalOf)).toEqual(Array(4).fill(REFUSED))
      expect(await store.list('exists')).toEqual(before)
      expect(await store.documents()).toEqual(['exists'])
    },
  )

  it('a removed member who comes back with every hint gets no key, and can neither rotate nor report', async () => {
    const removed = { subject: 'mallory', removed: false }
    const { url, store } = await mount({
      authorize: () => (removed.removed ? null : { subject: removed.subject, role: 'write' }),
    })
    const { json: first } = await ask(url, { documentId: 'doc-1', keyHint: null })
    removed.removed = true
    const { keyHint } = await store.rotate('doc-1')
    const before = await store.list('doc-1')
    for (const question of [
      { keyHint: null },
      { keyHint: null, after: first.keyHint },
      { keyHint: null, after: keyHint },
      { keyHint: first.keyHint },
      { keyHint, record: RECORD },
    ]) {
      expect(refusalOf(await ask(url, { documentId: 'doc-1', ...question }))).toEqual(REFUSED)
    }
    expect(await store.list('doc-1')).toEqual(before)
  })

  it('is not known: 401 everywhere', async () => {
    const { url } = await mount({
      authorize: () => {
        throw new AuthenticationError('expired')
      },
    })
    for (const name of ['rotate', 'list']) expect((await ask(`${url}/${name}`, { documentId: 'd' })).status).toBe(401)
  })
})

describe('while authorize is still thinking', () => {
  /** Answers as a writer, once the test has done `meanwhile`, which happens during the first decision only. */
  async function thinking(meanwhile: (store: ReturnType<typeof openSqliteKeyStore>) => Promise<unknown>) {
    const store = openSqliteKeyStore('memory')
    const first = await store.currentOrNew('doc-1')
    const purposes: string[] = []
    const { url } = await mount({
      store,
      authorize: async (_request, { purpose }) => {
        if (purposes.push(purpose) === 1) await meanwhile(store)
        return { subject: 'ada', role: 'write' }
      },
    })
    return { url, store, first, purposes }
  }

  it('the key is rotated: the new one is answered, not the one that was current', async () => {
    const { url, store } = await thinking((store) => store.rotate('doc-1'))
    const { json } = await ask(url, { documentId: 'doc-1', keyHint: null })
    expect(json.keyHint).toBe((await store.current('doc-1'))?.keyHint)
  })

  it('the key is deactivated: no key is made before authorize has agreed to that, too', async () => {
    const { url, first, purposes } = await thinking(async (store) => {
      for (const { keyHint } of await store.list('doc-1')) await store.deactivate('doc-1', keyHint)
    })
    const { json } = await ask(url, { documentId: 'doc-1', keyHint: null })
    expect(json.keyHint).not.toBe(first.keyHint)
    expect(purposes).toEqual(['read-current', 'create'])
  })

  it('the key is shredded: it is not answered any more', async () => {
    const { url, first } = await thinking(async (store) => {
      const [old] = await store.list('doc-1')
      await store.rotate('doc-1')
      await store.shred('doc-1', old?.keyHint ?? '')
    })
    expect(refusalOf(await ask(url, { documentId: 'doc-1', keyHint: first.keyHint }))).toEqual(UNKNOWN)
  })

  it('others rotate: no second key is made', async () => {
    const { url, store, first } = await thinking((store) => store.rotate('doc-1'))
    const { json } = await ask(url, { documentId: 'doc-1', keyHint: null, after: first.keyHint })
    expect(json.keyHint).toBe((await store.current('doc-1'))?.keyHint)
    expect(await store.list('doc-1')).toHaveLength(2)
  })
})

describe('rotateAfter', () => {
  const HOUR_MS = 3_600_000

  it('makes a key of that age inactive, and one new key for all who then ask', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { key, store, questions } = await endpoint({ rotateAfter: '12h' })
    const { json: first } = await key({})
    vi.setSystemTime(Date.now() + 12 * HOUR_MS - 1)
    expect((await key({ keyHint: first.keyHint })).json).toEqual(first)
    expect((await key({})).json).toEqual(first)

    vi.setSystemTime(Date.now() + 1)
    expect((await key({ keyHint: first.keyHint })).json).toEqual({ ...first, active: false })
    questions.length = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => key({ after: first.keyHint })))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers[0]?.json).toMatchObject({ active: true })
    expect(answers[0]?.json.keyHint).not.toBe(first.keyHint)
    expect(questions[0]?.purpose).toBe('rotate')
    expect((await key({})).json).toEqual(answers[0]?.json)
    expect(await store.list('doc-1')).toHaveLength(2)
  })

  it('does not let a plain null bring an old key back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { key, access, store } = await endpoint({ rotateAfter: '90m' })
    const { json: first } = await key({})
    vi.setSystemTime(Date.now() + 1.5 * HOUR_MS)
    access.role = 'read'
    // Making the new one is not a reader's to do; nor is having the old one marked.
    expect(refusalOf(await key({}))).toEqual(REFUSED)
    expect(await store.list('doc-1')).toMatchObject([{ state: 'active' }])
    access.role = 'write'
    expect((await key({})).json.keyHint).not.toBe(first.keyHint)
  })

  it('replaces the key of those who left an older one and find it aged, too', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { key, store } = await endpoint({ rotateAfter: '1d' })
    const { json: first } = await key({})
    const { json: second } = await key({ after: first.keyHint })
    vi.setSystemTime(Date.now() + 24 * HOUR_MS)
    const { json: third } = await key({ after: first.keyHint })
    expect(third).toMatchObject({ active: true })
    expect([first.keyHint, second.keyHint]).not.toContain(third.keyHint)
    expect(await store.list('doc-1')).toHaveLength(3)
  })

  it('leaves a key alone whose birth lies ahead of a clock that went back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { key } = await endpoint({ rotateAfter: '1d' })
    const { json } = await key({})
    vi.setSystemTime(Date.now() - 1_000 * HOUR_MS)
    expect((await key({})).json).toEqual(json)
  })
})

describe('an act that is not one', () => {
  it.each([
    ['rotate', []],
    ['rotate', {}],
    ['rotate', { documentId: 1 }],
    ['rotate', { documentId: 'd', keyHint: 'h' }],
    ['rotate', { documentId: 'd', after: null }],
    ['rotate', { documentId: 'd', after: 'x'.repeat(257) }],
    ['deactivate', { documentId: 'd' }],
    ['deactivate', { documentId: 'd', keyHint: null }],
    ['shred', { documentId: 'd', keyHint: ['h'] }],
    ['shred', { documentId: 'd', keyHint: 'h', all: true }],
    ['list', { documentId: 'd', keyHint: 'h' }],
    ['list', { documentId: '' }],
  ])('is refused with 400: %s %j', async (name, body) => {
    const { url } = await endpoint()
    expect(refusalOf(await ask(`${url}/${name}`, body))).toEqual([400, '{"error":"malformed"}'])
  })

  it('through its prototype is refused, too', async () => {
    const { url } = await endpoint()
    const body = JSON.parse('{"documentId":"d","__proto__":{"keyHint":"h"}}')
    for (const name of ['rotate', 'shred', 'list']) expect((await ask(`${url}/${name}`, body)).status).toBe(400)
  })

  it.each(['rotate', 'deactivate', 'shred', 'list'])(
    'is refused as a form, by GET, or from a foreign page: %s',
    async (name) => {
      const { url } = await endpoint()
      const body = { documentId: 'd' }
      expect((await ask(`${url}/${name}`, body, { 'content-type': 'text/plain' })).status).toBe(415)
      expect((await fetch(`${url}/${name}`)).status).toBe(405)
      expect((await ask(`${url}/${name}`, body, { origin: 'https://evil.example' })).status).toBe(403)
    },
  )
})
