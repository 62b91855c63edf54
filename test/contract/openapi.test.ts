import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuthenticationError, type Authorize, createKeyServer, fixedKeys, type KeyServer } from '@y-sealed/key-endpoint'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { projectRoot } from '../support/project-root.ts'
import { type Answer, send } from '../unit/key-endpoint/fixtures.ts'

// server/key-endpoint/openapi.yaml against the running server: every answer that it names is asked for, and looks as it says.

const PAGE = readFileSync(join(projectRoot(), 'server/key-endpoint/openapi.yaml'), 'utf8')
const README = readFileSync(join(projectRoot(), 'server/key-endpoint/README.md'), 'utf8')

interface Operation {
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, unknown>>
}
interface Header {
  readonly required?: boolean
  readonly schema: { readonly const?: string }
}
// What it is, is what this test is about.
const page = parse(PAGE) as { paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(page, 'page')

/** What stands at a place in the page, `$ref`s followed. */
function at(...place: string[]): { found: unknown; place: string[] } {
  let found: unknown = page
  let from = [...place]
  for (let index = 0; index < from.length; index++) {
    found = (found as Record<string, unknown> | undefined)?.[from[index] ?? '']
    const ref = (found as { $ref?: string } | undefined)?.$ref
    if (ref === undefined) continue
    from = [...ref.slice(2).split('/'), ...from.slice(index + 1)]
    found = page
    index = -1
  }
  return { found, place: from }
}

/** Why the value is none of the schema that stands there; empty if it is one. */
function mistakes(value: unknown, ...place: string[]): string[] {
  const pointer = at(...place)
    .place.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')
  const validate = ajv.compile({ $ref: `page#/${pointer}` })
  return validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`)
}

const APP = 'https://app.example'

/** `breaks` is a document whose authorization fails in a way that nobody foresaw. */
const authorize: Authorize = (request, { documentId }) => {
  const user = request.get('authorization')
  if (user === undefined) throw new AuthenticationError('nobody')
  if (documentId === 'breaks') throw new RangeError()
  return user === 'outsider' ? null : { subject: user, role: 'admin' }
}

let server: KeyServer
/** One whose documents have a fixed key each. */
let fixed: KeyServer
let hint: string
/** Of one subject for one document: more than any case asks but that which asks too often. */
const PER_DOCUMENT = 40
beforeAll(async () => {
  const log = { info() {}, warn() {}, error() {} }
  const options = { data: 'memory', port: 0, authorize, cors: [APP], log }
  server = await createKeyServer({ ...options, dialects: ['key-id', 'get'], rateLimits: { perDocument: PER_DOCUMENT } })
  fixed = await createKeyServer({ ...options, method: fixedKeys })
  hint = String((await post('/', { documentId: 'd', keyHint: null })).json.keyHint)
})
afterAll(() => Promise.all([server.close(), fixed.close()]))

const JSON_TYPE = { 'content-type': 'application/json' }
const ADMIN = { authorization: 'admin' }

function post(path: string, body: unknown, headers: Record<string, string> = ADMIN): Promise<Answer> {
  const url = path === '/' ? server.url : server.url + path
  return send(url, { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) })
}

/** A good question for each path that is POSTed to, and what goes wrong with it. */
function questions(path: string, good: object): Record<string, () => Promise<Answer>> {
  const url = () => (path === '/' ? server.url : server.url + path)
  return {
    '400': () => post(path, { ...good, documentId: 1 }),
    '401': () => post(path, good, {}),
    '403': () => post(path, good, { authorization: 'outsider' }),
    '405': () => send(url(), { method: 'GET' }),
    '413': () => post(path, { ...good, documentId: 'x'.repeat(20_000) }),
    '415': () => send(url(), { headers: { 'content-type': 'text/plain', ...ADMIN }, body: JSON.stringify(good) }),
    '429': () => tooOften(() => post(path, { ...good, documentId: `too often ${path}` })),
    '500': () => post(path, { ...good, documentId: 'breaks' }),
  }
}

async function tooOften(asking: () => Promise<Answer>): Promise<Answer> {
  for (let time = 0; time < PER_DOCUMENT; time++) await asking()
  return await asking()
}

async function ofFixedKey(path: string, body: object): Promise<Answer> {
  const question = (url: string, asked: object) =>
    send(url, { headers: { ...JSON_TYPE, ...ADMIN }, body: JSON.stringify({ documentId: 'd', ...asked }) })
  await question(fixed.url, { keyHint: null })
  return await question(fixed.url + path, body)
}

const get = (path: string, headers: Record<string, string> = ADMIN) =>
  send(`${server.url}/documents/${path}`, { method: 'GET', headers })

const CASES: Record<string, Record<string, () => Promise<Answer>>> = {
  'post /': {
    ...questions('/', { documentId: 'd', keyHint: null }),
    '200': () => post('/', { documentId: 'd', keyHint: hint }),
    '404': () => post('/', { documentId: 'd', keyHint: 'never-issued' }),
  },
  'options /': {
    '204': () => send(server.url, { method: 'OPTIONS', headers: { origin: APP } }),
    '403': () => send(server.url, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
  },
  'post /rotate': {
    ...questions('/rotate', { documentId: 'd', after: 'h' }),
    '200': () => post('/rotate', { documentId: 'rotated', after: 'lost' }),
    '409': () => ofFixedKey('/rotate', {}),
    '404': () => post('/rotate', { documentId: 'never-heard-of' }),
  },
  'post /deactivate': {
    ...questions('/deactivate', { documentId: 'd', keyHint: 'h' }),
    '200': () => post('/deactivate', { documentId: 'd', keyHint: hint }),
    '409': () => ofFixedKey('/deactivate', { keyHint: '' }),
    '404': () => post('/deactivate', { documentId: 'd', keyHint: 'never-issued' }),
  },
  'post /shred': {
    ...questions('/shred', { documentId: 'd', keyHint: 'h' }),
    '200': async () => {
      const { json } = await post('/', { documentId: 'shredded', keyHint: null })
      await post('/rotate', { documentId: 'shredded' })
      return post('/shred', { documentId: 'shredded', keyHint: json.keyHint })
    },
    '404': () => post('/shred', { documentId: 'd', keyHint: 'never-issued' }),
    '409': async () => {
      const { json } = await post('/', { documentId: 'active', keyHint: null })
      return post('/shred', { documentId: 'active', keyHint: json.keyHint })
    },
  },
  'post /list': {
    ...questions('/list', { documentId: 'd' }),
    '200': () => post('/list', { documentId: 'shredded' }),
  },
  'get /documents/{documentId}/key': {
    '200': () => get('d/key'),
    '400': () => get('d/key?after=h'),
    '401': () => get('d/key', {}),
    '403': () => get('d/key', { authorization: 'outsider' }),
    '404': () => get('d/key?keyHint='),
    '429': () => tooOften(() => get('too%20often/key')),
    '500': () => get('breaks/key'),
  },
}

const declared = Object.entries(page.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { responses }]) =>
    Object.keys(responses).map((status) => [method, path, status] as const),
  ),
)

it('every answer that the page names has a case here, and no other', () => {
  const cases = Object.entries(CASES).flatMap(([operation, answers]) =>
    Object.keys(answers).map((status) => `${operation} ${status}`),
  )
  expect(cases.sort()).toEqual(declared.map((parts) => parts.join(' ')).sort())
})

describe('the answer', () => {
  it.each(declared)('%s %s %s is what the page says', async (method, path, status) => {
    const answer = await CASES[`${method} ${path}`]![status]!()
    expect(String(answer.status)).toBe(status)
    const place = ['paths', path, method, 'responses', status]
    const headers = (at(...place, 'headers').found ?? {}) as Record<string, unknown>
    for (const name of Object.keys(headers)) {
      const { required = false, schema } = at(...place, 'headers', name).found as Header
      const value = answer.headers[name.toLowerCase()]
      if (required || schema.const !== undefined) expect(value, name).toBe(schema.const)
    }
    if (at(...place, 'content').found === undefined) return expect(answer.text).toBe('')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(mistakes(answer.json, ...place, 'content', 'application/json', 'schema')).toEqual([])
  })

  it('of the dialect key-id is what the page says, too', async () => {
    const answer = await post('/', { documentId: 'd', keyId: null }, { ...ADMIN, origin: APP })
    expect(answer.status).toBe(200)
    expect(mistakes(answer.json, 'components', 'schemas', 'KeyIdAnswer')).toEqual([])
    expect(mistakes(answer.json, 'components', 'schemas', 'KeyAnswer')).not.toEqual([])
  })
})

describe('a request', () => {
  const place = ['paths', '/', 'post', 'requestBody', 'content', 'application/json', 'schema'] as const
  const hash = 'A'.repeat(43)
  const GOOD = [
    { documentId: 'd', keyHint: null },
    { documentId: 'd', keyHint: null, after: '' },
    { documentId: '🔑 שלום', keyHint: null },
  ]
  const BAD = [
    ...[null, 1, 'd', [], {}],
    ...[{ documentId: 'd' }, { keyHint: null }, { documentId: '', keyHint: null }, { documentId: 1, keyHint: null }],
    ...[
      { documentId: 'd', keyHint: 1 },
      { documentId: 'd', keyHint: {} },
      { documentId: 'd', keyHint: 'x'.repeat(257) },
    ],
    ...[
      { documentId: 'd', keyHint: null, role: 'admin' },
      { documentId: 'd', keyHint: null, after: null },
    ],
    ...[
      { documentId: 'd', keyHint: 'h', after: 'h' },
      { documentId: 'd', keyHint: null, record: hash },
    ],
    ...[
      { documentId: 'd', keyHint: 'h', record: `${'A'.repeat(42)}B` },
      { documentId: 'd', keyId: null, after: 'h' },
    ],
  ]

  it.each(GOOD)('%j is one for the page and for the server', async (body) => {
    expect(mistakes(body, ...place)).toEqual([])
    expect((await post('/', body)).status).toBe(200)
  })

  it('with a record is one for both', async () => {
    const body = { documentId: 'd', keyHint: hint, record: hash }
    expect(mistakes(body, ...place)).toEqual([])
    expect((await post('/', body)).json.record).toBe(hash)
  })

  it.each(BAD.map((body) => [body]))('%j is none for the page and none for the server', async (body) => {
    expect(mistakes(body, ...place)).not.toEqual([])
    expect((await post('/', body, { ...ADMIN, origin: APP })).status).toBe(400)
  })
})

it('the table of errors in the README has the codes and the statuses of the page', () => {
  const rows = [...README.matchAll(/^\| ([\d, ]+) \| (`[a-z-]+`(?:, `[a-z-]+`)*) \|/gm)]
  const inTable = rows.flatMap(([, statuses = '', codes = '']) => {
    const each = statuses.split(', ')
    return codes.split(', ').map((code, index) => `${each[index] ?? each[0]} ${code.replaceAll('`', '')}`)
  })
  const inPage = declared.flatMap(([method, path, status]) => {
    const { place } = at('paths', path, method, 'responses', status, 'content', 'application/json', 'schema')
    const error = at(...place, 'properties', 'error').found as { const?: string; enum?: string[] } | undefined
    return [...(error?.enum ?? []), ...(error?.const === undefined ? [] : [error.const])].map(
      (code) => `${status} ${code}`,
    )
  })
  expect(new Set(inTable)).toEqual(new Set(inPage))
})
