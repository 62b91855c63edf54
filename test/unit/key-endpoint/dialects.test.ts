import { AuthenticationError, type KeyRouterOptions, keyRouter, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { ask, asWriter, mount, send } from './fixtures.ts'

const APP = 'https://app.example'
const question = JSON.stringify({ documentId: 'd', keyId: null })

describe('the dialect key-id', () => {
  const on = () => mount({ dialects: ['key-id'], cors: [APP] })

  it.each([
    ['without a content type', {}],
    ['with text/plain, as a browser sends it', { 'content-type': 'text/plain;charset=UTF-8' }],
    ['with application/json', { 'content-type': 'application/json' }],
  ])('is understood %s, from a page of the list', async (_what, headers) => {
    const { url, store } = await on()
    const answer = await send(url, { headers: { origin: APP, ...headers }, body: question })
    const { key, keyHint } = await store.currentOrNew('d')
    // The store has it from this very request.
    expect([answer.status, answer.json]).toEqual([200, { keyId: keyHint, secret: key, key, keyHint }])
    const again = JSON.stringify({ documentId: 'd', keyId: keyHint })
    expect((await send(url, { headers: { origin: APP, ...headers }, body: again })).json).toEqual(answer.json)
  })

  it.each([
    ['no Origin, which no page sends', {}],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page that hides where it is from', { origin: 'null' }],
  ])('is refused from %s, and makes nothing', async (_what, headers) => {
    const { url, store } = await on()
    const answer = await send(url, { headers: { 'content-type': 'text/plain', ...headers }, body: question })
    expect([answer.status, answer.text]).toEqual([403, '{"error":"origin-refused"}'])
    expect(await store.list('d')).toEqual([])
  })

  it('is refused from a page of the endpoint’s own origin: who is not on the list is not listened to', async () => {
    const { url } = await on()
    const answer = await send(url, { headers: { origin: new URL(url).origin }, body: question })
    expect([answer.status, answer.text]).toEqual([403, '{"error":"origin-refused"}'])
  })

  it('opens nothing for the contract: that is JSON, as before', async () => {
    const { url } = await on()
    const contract = { documentId: 'd', keyHint: null }
    const plain = { headers: { origin: APP, 'content-type': 'text/plain' }, body: JSON.stringify(contract) }
    expect((await send(url, plain)).status).toBe(415)
    expect((await ask(url, contract)).status).toBe(200)
    expect((await ask(url, { ...contract, keyId: null }, { origin: APP })).status).toBe(400)
  })

  it('is understood where the app has read the JSON already', async () => {
    const { url } = await mount({ dialects: ['key-id'], cors: [APP] }, express.json())
    const headers = { origin: APP, 'content-type': 'application/json' }
    expect((await send(url, { headers, body: question })).status).toBe(200)
  })

  it('is off unless it is named', async () => {
    const { url } = await mount({ cors: [APP] })
    expect((await ask(url, { documentId: 'd', keyId: null }, { origin: APP })).status).toBe(400)
    expect((await send(url, { headers: { origin: APP }, body: question })).status).toBe(415)
  })
})

describe('the dialect get', () => {
  const bearer = { authorization: 'Bearer x' }
  const at = (url: string, path: string) => `${url}/documents/${path}`

  it('gives a key for no hint, and for the hint that came', async () => {
    const { url } = await mount({ dialects: ['get'] })
    const fresh = await send(at(url, 'd/key'), { method: 'GET', headers: bearer })
    expect([fresh.status, fresh.json]).toEqual([
      200,
      { success: true, key: expect.any(String), keyHint: expect.any(String) },
    ])
    const again = await send(at(url, `d/key?keyHint=${fresh.json.keyHint}`), { method: 'GET', headers: bearer })
    expect([again.json, again.headers['cache-control']]).toEqual([fresh.json, 'no-store'])
  })

  it('knows "" from no hint', async () => {
    const { url, store } = await mount({ dialects: ['get'] })
    const answer = await send(at(url, 'd/key?keyHint='), { method: 'GET', headers: bearer })
    expect([answer.status, answer.json]).toEqual([
      404,
      { success: false, message: 'Could not find the requested key.' },
    ])
    expect(await store.list('d')).toEqual([])
  })

  it('is refused in its own words, each with its status', async () => {
    const { url } = await mount({ dialects: ['get'], authorize: () => null })
    const get = (path: string, headers = {}) => send(at(url, path), { method: 'GET', headers })
    const refused = await get('d/key', bearer)
    expect([refused.status, refused.json.message]).toEqual([
      403,
      expect.stringContaining('does not have the permission'),
    ])
    // By a picture in any page, with whatever cookie: no.
    const picture = await get('d/key', { cookie: 'session=1' })
    expect([picture.status, picture.json]).toEqual([401, { success: false, message: 'Not authorized' }])
    expect((await get('d/key?keyHint=a&keyHint=b', bearer)).status).toBe(400)
    expect((await get('d/key?after=a', bearer)).status).toBe(400)
    expect((await get('%ff/key', bearer)).status).toBe(400)
    const head = await send(at(url, 'd/key'), { method: 'POST', headers: bearer })
    expect([head.status, head.headers.allow]).toEqual([405, 'GET, OPTIONS'])
  })

  it('is answered 401 where authorize does not know who asks', async () => {
    const authorize = () => {
      throw new AuthenticationError('expired')
    }
    const { url } = await mount({ dialects: ['get'], authorize })
    const answer = await send(at(url, 'd/key'), { method: 'GET', headers: bearer })
    expect([answer.status, answer.json]).toEqual([401, { success: false, message: 'Not authorized' }])
  })

  it('is off unless it is named', async () => {
    const { url } = await mount()
    expect((await send(at(url, 'd/key'), { method: 'GET', headers: bearer })).status).toBe(404)
  })
})

it('a dialect that there is not is a TypeError', () => {
  const store = openSqliteKeyStore('memory')
  // What an app without TypeScript may pass.
  const options = { authorize: asWriter, store, dialects: ['soap'] } as unknown as KeyRouterOptions
  expect(() => keyRouter(options)).toThrow('there is no dialect "soap", only key-id, get')
})
