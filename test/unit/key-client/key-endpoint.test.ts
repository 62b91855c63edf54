import { keyEndpoint } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import { endpointUnderTest } from './endpoint-under-test.ts'
import { ASKED, CANARY_KEY } from './fixtures.ts'

const ANSWER = { key: CANARY_KEY, keyHint: 'h1', epoch: 1, active: true }
const json = (answer: unknown, init?: ResponseInit) => new Response(JSON.stringify(answer), init)

describe('what is sent', () => {
  it('is a POST of JSON that follows nothing, caches nothing and tells nothing about the page', async () => {
    const calls: { url: string; init: RequestInit | undefined }[] = []
    const source = keyEndpoint('https://app.example/keys?tenant=1', {
      headers: { authorization: 'Bearer abc' },
      fetch: async (url, init) => {
        calls.push({ url: String(url), init })
        return json(ANSWER)
      },
    })
    expect(await source(ASKED)).toEqual(ANSWER)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.url).toBe('https://app.example/keys?tenant=1')
    expect(calls[0]?.init).toMatchObject({
      method: 'POST',
      body: JSON.stringify(ASKED),
      redirect: 'error',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    })
    expect(Object.fromEntries(new Headers(calls[0]?.init?.headers))).toEqual({
      accept: 'application/json',
      authorization: 'Bearer abc',
      'content-type': 'application/json',
    })
  })

  it('carries headers that are made afresh for each request, awaited, and cannot replace the content type', async () => {
    const endpoint = await endpointUnderTest((response) => response.end(JSON.stringify(ANSWER)))
    let count = 0
    const source = keyEndpoint(endpoint.url, {
      headers: async () => ({ authorization: `Bearer ${++count}`, 'Content-Type': 'text/plain' }),
    })
    await source(ASKED)
    await source(ASKED)
    expect(endpoint.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
    expect(endpoint.seen.map(({ headers }) => headers['content-type'])).toEqual([
      'application/json',
      'application/json',
    ])
    expect(JSON.parse(endpoint.seen[0]?.body ?? '')).toEqual(ASKED)
  })

  it('takes cookies along if the app says so', async () => {
    let credentials: RequestCredentials | undefined
    const source = keyEndpoint('https://app.example/keys', {
      credentials: 'include',
      fetch: async (_url, init) => {
        credentials = init?.credentials
        return json(ANSWER)
      },
    })
    await source(ASKED)
    expect(credentials).toBe('include')
  })

  it.each([
    ['after', { documentId: 'd', keyHint: null, after: 'h0' }],
    ['record', { documentId: 'd', keyHint: 'h1', record: 'A'.repeat(43) }],
  ])('is asked again without `%s` by an endpoint that answers 400 to it', async (_member, asked) => {
    const endpoint = await endpointUnderTest((response, number) => {
      response.statusCode = number === 1 ? 400 : 200
      response.end(JSON.stringify(ANSWER))
    })
    expect(await keyEndpoint(endpoint.url)(asked)).toEqual(ANSWER)
    expect(endpoint.seen.map(({ body }) => JSON.parse(body))).toEqual([
      asked,
      { documentId: 'd', keyHint: asked.keyHint },
    ])
  })

  it('is asked once by an endpoint that answers 400 to a plain question', async () => {
    const endpoint = await endpointUnderTest((response) => response.writeHead(400).end())
    await expect(keyEndpoint(endpoint.url)(ASKED)).rejects.toMatchObject({ code: 'key-invalid' })
    expect(endpoint.seen).toHaveLength(1)
  })
})

describe('a URL', () => {
  it.each([
    'https://app.example/keys',
    'http://localhost:8788/keys',
    'http://127.0.0.1/keys',
    'http://127.1.2.3/keys',
    'http://[::1]:8788/keys',
    'http://2130706433/keys',
  ])('%s is fine', (url) => {
    expect(() => keyEndpoint(url)).not.toThrow()
  })

  it.each([
    ['http to another machine', 'http://app.example/keys'],
    ['http to a name that only begins like this machine', 'http://localhost.example/keys'],
    ['http to a name that only begins like its address', 'http://127.0.0.1.example/keys'],
    ['http to every address', 'http://0.0.0.0/keys'],
    ['another scheme', 'ftp://app.example/keys'],
    ['data', 'data:application/json,{"key":"k"}'],
    ['a user name and password', 'https://user:hunter2@app.example/keys'],
    ['not a URL', '/keys hunter2'],
    ['nothing', undefined],
  ])('is refused at once if it is %s, and not quoted', (_what, url) => {
    // What a caller without TypeScript may pass.
    const make = () => keyEndpoint(url as string)
    expect(make).toThrow(TypeError)
    expect(make).not.toThrow(/hunter2/)
  })
})

describe('options', () => {
  it('that are not known are refused by name', () => {
    const options: object = { header: {} }
    expect(() => keyEndpoint('https://app.example', options)).toThrow('keyEndpoint: unknown option "header"')
  })

  it.each([0, -1, Number.NaN, 60_001])('may not set a time-out of %d ms', (timeoutMs) => {
    expect(() => keyEndpoint('https://app.example', { timeoutMs })).toThrow(
      new RangeError(`keyEndpoint: timeoutMs must be from 1 to 60000; got ${timeoutMs}`),
    )
  })
})
