import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer, type KeyServer } from '@y-sealed/key-endpoint'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startKeyProcess } from '../support/key-process.ts'
import type { ServerProcess } from '../support/server-process.ts'

// The contract of TinyMCE's encryption provider, from outside, over HTTP. What other tests show already is listed in
// docs/tinymce-endpoints.md; here is the rest.

interface Answered {
  readonly status: number
  readonly contentType: string | null
  /** Whatever was answered; the members are looked at by name. */
  readonly said: Record<string, unknown>
}

async function ask(url: string, documentId: string, keyHint: string | null, user = 'ada'): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: user },
    body: JSON.stringify({ documentId, keyHint }),
  })
  const said = (await response.json()) as Record<string, unknown>
  return { status: response.status, contentType: response.headers.get('content-type'), said }
}

describe('our endpoint', () => {
  let server: KeyServer
  beforeEach(async () => {
    server = await createKeyServer({
      data: 'memory',
      port: 0,
      authorize: (request) => {
        const subject = request.get('authorization') ?? ''
        return { subject, role: subject === 'root' ? 'admin' : 'write' }
      },
    })
  })
  afterEach(() => server.close())

  it('KE1: a new document gets a key of 128 bits and more and a hint of 256 units and fewer, as JSON in UTF-8', async () => {
    const { status, contentType, said } = await ask(server.url, 'A', null)
    expect([status, contentType]).toEqual([200, 'application/json; charset=utf-8'])
    const { key, keyHint } = said
    expect(Buffer.from(String(key), 'base64url').length).toBeGreaterThanOrEqual(16)
    expect([typeof key, typeof keyHint]).toEqual(['string', 'string'])
    expect(String(keyHint).length).toBeLessThanOrEqual(256)
  })

  it('KE2: its hint gives two users the identical key, a hundred times', async () => {
    const { said } = await ask(server.url, 'A', null, 'ada')
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, time) =>
        ask(server.url, 'A', String(said.keyHint), time % 2 === 0 ? 'ada' : 'grace'),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => answer.said.key))).toEqual(new Set([said.key]))
  })

  it('KE6: every pair that fifty first askers were given is given again for its hint; it is one pair', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(server.url, 'A', null)))
    const again = await Promise.all(answers.map(({ said }) => ask(server.url, 'A', String(said.keyHint))))
    expect(again.map(({ status, said }) => [status, said.key])).toEqual(answers.map(({ said }) => [200, said.key]))
    expect(new Set(answers.map(({ said }) => said.key)).size).toBe(1)
  })

  it('KE7: "" is a hint that it never issued: it is not null, and makes no key', async () => {
    expect((await ask(server.url, 'A', '')).status).toBe(404)
    const { said } = await ask(server.url, 'A', null)
    const empty = await ask(server.url, 'A', '')
    expect([empty.status, empty.said]).toEqual([404, { error: 'key-unknown' }])
    expect((await ask(server.url, 'A', null)).said.key).toBe(said.key)
  })

  it('KE10: a hint of 256 units is a hint, one of 257 is none', async () => {
    expect((await ask(server.url, 'A', '🔑'.repeat(128))).status).toBe(404)
    expect((await ask(server.url, 'A', `${'🔑'.repeat(128)}x`)).status).toBe(400)
  })

  it('KE16: after ten rotations on demand null gives the newest pair, and every older hint its own key', async () => {
    const issued = [(await ask(server.url, 'A', null)).said]
    for (let time = 0; time < 10; time++) {
      const rotated = await fetch(`${server.url}/rotate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'root' },
        body: '{"documentId":"A"}',
      })
      expect(rotated.status).toBe(200)
      issued.push((await ask(server.url, 'A', null)).said)
    }
    expect(new Set(issued.map(({ key }) => key)).size).toBe(11)
    for (const [index, { key, keyHint }] of issued.entries()) {
      const { said } = await ask(server.url, 'A', String(keyHint))
      expect([said.key, said.active]).toEqual([key, index === 10])
    }
  })
})

describe('KE13: our endpoint as a process survives what is no request', () => {
  let directory: string
  let server: ServerProcess
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'y-sealed-ke-'))
    server = await startKeyProcess(directory)
  })
  afterAll(async () => {
    // Had it died in between, its exit code would be another.
    expect(await server.stop()).toBe(0)
    rmSync(directory, { recursive: true, force: true })
  })

  it.each<[string, string, string, number]>([
    ['no JSON', 'POST', 'documentId=A', 400],
    ['an array', 'POST', '["A", null]', 400],
    ['a number for a document', 'POST', '{"documentId":1,"keyHint":null}', 400],
    ['no document', 'POST', '{"keyHint":null}', 400],
    ['10 MB', 'POST', JSON.stringify({ documentId: 'x'.repeat(10_000_000), keyHint: null }), 413],
    ['GET', 'GET', '', 405],
  ])('%s', async (_, method, body, status) => {
    expect(await statusOf(server.url, method, body)).toBe(status)
    expect((await ask(server.url, 'A', null)).status).toBe(200)
  })
})

/** The status, even where the server answers before it has read all of the body and hangs up on the rest. */
function statusOf(url: string, method: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
    request.end(body)
  })
}
