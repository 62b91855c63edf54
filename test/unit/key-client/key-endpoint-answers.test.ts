import { type KeyEndpointOptions, keyEndpoint } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import { closedEndpoint, endpointUnderTest } from './endpoint-under-test.ts'
import { ASKED, CANARY_KEY, failureOf } from './fixtures.ts'

// Short enough not to be noticed, where the time-out itself is what is tested.
const SHORT_MS = 50
const MAX_ANSWER_BYTES = 64 * 1024

const answering = (respond: () => Response | Promise<Response>, options: KeyEndpointOptions = {}) =>
  keyEndpoint('https://app.example/keys', { ...options, fetch: async () => respond() })

describe('a status', () => {
  it.each([
    [400, 'key-invalid', false],
    [401, 'key-refused', false],
    [403, 'key-refused', false],
    [404, 'key-unknown', false],
    [405, 'key-invalid', false],
    [415, 'key-invalid', false],
    [429, 'key-unavailable', true],
    [500, 'key-unavailable', true],
    [503, 'key-unavailable', true],
  ])('of %i means %s, whatever the body says', async (status, code, retryable) => {
    const error = await failureOf(answering(() => Response.json({ key: CANARY_KEY }, { status })))
    expect(error).toMatchObject({ code, retryable })
    expect(String(error)).toContain(String(status))
  })

  it.each([
    ['seconds', '7', 7_000],
    ['a day, which is cut to five minutes', '86400', 300_000],
    ['a date in the past, which is now', 'Mon, 01 Jan 2001 00:00:00 GMT', 0],
    ['a date far ahead, which is cut', 'Mon, 01 Jan 2399 00:00:00 GMT', 300_000],
    ['nonsense', 'soon', undefined],
    ['nothing', undefined, undefined],
  ])('of 503 carries the wish to be asked later: %s', async (_what, retryAfter, retryAfterMs) => {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const error = await failureOf(answering(() => new Response(null, { status: 503, headers })))
    expect(error).toHaveProperty('code', 'key-unavailable')
    expect((error as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs)
  })
})

describe('a body', () => {
  it('arrives whole however it is cut, even inside a character', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ key: 'not a very secret 🔑' }))
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    expect(await answering(() => new Response(body))(ASKED)).toEqual({ key: 'not a very secret 🔑' })
  })

  it.each([
    ['empty', null],
    ['a sign-in page', `<!doctype html><title>${CANARY_KEY}</title>`],
    ['JSON that was cut short', `{"key":"${CANARY_KEY}`],
    ['the bare key', CANARY_KEY],
    ['not UTF-8: a replaced byte would be another key', Buffer.from(`{"key":"${CANARY_KEY}\xff"}`, 'latin1')],
    ['one byte longer than 64 KiB', `"${'x'.repeat(MAX_ANSWER_BYTES - 1)}"`],
  ])('is refused if it is %s', async (_what, body) => {
    expect(await failureOf(answering(() => new Response(body)))).toMatchObject({
      code: 'key-invalid',
      retryable: false,
    })
  })

  it('of exactly 64 KiB is read', async () => {
    const text = 'x'.repeat(MAX_ANSWER_BYTES - 2)
    expect(await answering(() => new Response(JSON.stringify(text)))(ASKED)).toBe(text)
  })

  it('without end is not read to its end: the cap closes the stream', async () => {
    let sent = 0
    let cancelled = false
    const body = new ReadableStream({
      pull(controller) {
        sent += 1024
        controller.enqueue(new Uint8Array(1024))
      },
      cancel() {
        cancelled = true
      },
    })
    expect(await failureOf(answering(() => new Response(body)))).toMatchObject({ code: 'key-invalid' })
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(2 * MAX_ANSWER_BYTES)
  })
})

describe('an endpoint out of reach', () => {
  it('which nobody answers for is unavailable, with the system’s code and no address', async () => {
    const error = await failureOf(keyEndpoint(await closedEndpoint()))
    expect(error).toMatchObject({ code: 'key-unavailable', fault: 'platform', retryable: true })
    expect(String(error)).toContain('ECONNREFUSED')
    expect(String(error)).not.toContain('127.0.0.1')
  })

  it.each([301, 302, 303, 307, 308])(
    'which redirects with %i is not followed: the other host hears nothing',
    async (status) => {
      const elsewhere = await endpointUnderTest((response) => response.end(JSON.stringify({ key: CANARY_KEY })))
      const endpoint = await endpointUnderTest((response) =>
        response.writeHead(status, { location: elsewhere.url }).end(),
      )
      expect(await failureOf(keyEndpoint(endpoint.url))).toMatchObject({ code: 'key-unavailable' })
      expect(endpoint.seen).toHaveLength(1)
      expect(elsewhere.seen).toEqual([])
    },
  )

  it('which breaks off in mid-answer is unavailable', async () => {
    const endpoint = await endpointUnderTest((response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write(`{"key":"${CANARY_KEY}`)
      setImmediate(() => response.destroy())
    })
    expect(await failureOf(keyEndpoint(endpoint.url))).toMatchObject({ code: 'key-unavailable', retryable: true })
  })

  it('which never answers is given up, and the connection closed', async () => {
    let closed: Promise<unknown> | undefined
    const endpoint = await endpointUnderTest((response) => {
      closed = new Promise((resolve) => response.once('close', resolve))
    })
    const error = await failureOf(keyEndpoint(endpoint.url, { timeoutMs: SHORT_MS }))
    expect(error).toMatchObject({ code: 'key-unavailable', retryable: true })
    await closed
  })

  it('which sends its answer byte by byte is given up by the same time-out', async () => {
    const endpoint = await endpointUnderTest((response) => {
      const drip = setInterval(() => response.write(' '), 5)
      response.once('close', () => clearInterval(drip))
    })
    expect(await failureOf(keyEndpoint(endpoint.url, { timeoutMs: SHORT_MS }))).toMatchObject({
      code: 'key-unavailable',
    })
  })

  it('because the caller gave up is not worth a retry', async () => {
    const endpoint = await endpointUnderTest(() => {})
    const controller = new AbortController()
    const asked = failureOf((request) => keyEndpoint(endpoint.url)(request, { signal: controller.signal }))
    controller.abort()
    expect(await asked).toMatchObject({ code: 'key-unavailable', retryable: false })
  })
})

describe('headers', () => {
  it.each([
    ['throws', () => Promise.reject(new Error(`token ${CANARY_KEY} is expired`))],
    ['gives a header that no request can carry', () => ({ authorization: `Bearer ${CANARY_KEY}\n\u{1f511}` })],
  ])('whose function %s count as unavailable, and the token is not quoted', async (_what, headers) => {
    const error = await failureOf(answering(() => Response.json({}), { headers }))
    expect(error).toMatchObject({ code: 'key-unavailable', fault: 'caller', retryable: true })
    expect(String(error)).not.toContain(CANARY_KEY)
  })

  it('whose function hangs fall under the time-out, too', async () => {
    const source = answering(() => Response.json({}), { headers: () => new Promise(() => {}), timeoutMs: SHORT_MS })
    expect(await failureOf(source)).toMatchObject({ code: 'key-unavailable' })
  })
})
