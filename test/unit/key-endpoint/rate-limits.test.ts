import { AuthenticationError, type Authorize } from '@y-sealed/key-endpoint'
import { describe, expect, it, vi } from 'vitest'
import { ask, mount } from './fixtures.ts'

const asWhoever: Authorize = (request) => {
  const subject = request.get('authorization')
  if (subject === undefined) throw new AuthenticationError('nobody')
  return subject === 'eve' ? null : { subject, role: 'write' }
}
const as = (name: string) => ({ authorization: name })

describe('rate limits', () => {
  it('count who asks and for what, not from where: 150 people behind one address open a document at once', async () => {
    const { url, store } = await mount({ authorize: asWhoever, rateLimits: { perDocument: 5 } })
    const { key } = await store.currentOrNew('doc-1')
    const people = Array.from({ length: 150 }, (_, index) => as(`user-${index}`))
    for (let time = 0; time < 2; time++) {
      const answers = await Promise.all(people.map((who) => ask(url, { documentId: 'doc-1', keyHint: null }, who)))
      expect(new Set(answers.map(({ json }) => json.key))).toEqual(new Set([key]))
    }
  })

  it('stop one who asks too often for one document, for a minute, and nobody else and nothing else', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    try {
      const { url } = await mount({ authorize: asWhoever, rateLimits: { perDocument: 5 } })
      const question = { documentId: 'doc-1', keyHint: null }
      for (let time = 0; time < 5; time++) expect((await ask(url, question, as('ada'))).status).toBe(200)
      const refused = await ask(url, question, as('ada'))
      expect([refused.status, refused.text]).toEqual([429, '{"error":"too-many"}'])
      expect(refused.headers).toMatchObject({ 'retry-after': '60', 'cache-control': 'no-store' })
      expect((await ask(`${url}/rotate`, { documentId: 'doc-1' }, as('ada'))).status).toBe(429)
      expect((await ask(url, question, as('bob'))).status).toBe(200)
      expect((await ask(url, { documentId: 'doc-2', keyHint: null }, as('ada'))).status).toBe(200)
      vi.advanceTimersByTime(60_001)
      expect((await ask(url, question, as('ada'))).status).toBe(200)
    } finally {
      vi.useRealTimers()
    }
  })

  it('stop one who asks for document after document', async () => {
    const { url } = await mount({ authorize: asWhoever, rateLimits: { perSubject: 7 } })
    const statuses = []
    for (let index = 0; index < 9; index++) {
      statuses.push((await ask(url, { documentId: `doc-${index}`, keyHint: 'h' }, as('ada'))).status)
    }
    expect(statuses).toEqual([...Array(7).fill(404), 429, 429])
  })

  it('are none where they are switched off, and must be numbers', async () => {
    const { url } = await mount({ authorize: asWhoever, rateLimits: false })
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => ask(url, { documentId: 'd', keyHint: 'h' }, as('ada'))),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]))
    await expect(mount({ rateLimits: { perDocument: 0 } })).rejects.toThrow(
      'rateLimits.perDocument: expected a whole number from 1; got 0',
    )
  })
})
