import { describe, jsonOf } from '../describe.ts'
import { membersOf } from '../dialect.ts'
import { NoAnswer } from '../exchange.ts'
import { expectAnyRefusal, hasKey } from '../expectations.ts'
import type { Rule } from '../rule.ts'
import { Skipped, Unmet } from '../verdict.ts'
import { sendJson } from './unicode.ts'

const BIG_BYTES = 10_000_000

/** What clients and tools send beside POST; of these only GET and HEAD need nobody's leave in a browser. */
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']

/** No such host can be registered (RFC 2606). */
export const FOREIGN_ORIGIN = 'https://conformance.invalid'

export const REQUESTS: readonly Rule[] = [
  {
    id: 'KE13',
    title: 'what is no request is refused, and the endpoint lives on',
    source: 'the contract: documentId is text, the hint text or null, in one JSON object',
    async run(session) {
      const { body } = session.dialect
      if (!body) throw new Skipped('this dialect has no body')
      const documentId = session.newDocument()
      const id = JSON.stringify(documentId)
      const hint = `"${body.hint}"`
      const bodies: [string, string][] = [
        ['nothing', ''],
        ['no JSON', `{"documentId":${id},`],
        ['null', 'null'],
        ['an array', `[${id},null]`],
        ['a form', `documentId=${documentId}`],
        ['no document', `{${hint}:null}`],
        ['an empty document id', `{"documentId":"",${hint}:null}`],
        ['a number for a document', `{"documentId":1,${hint}:null}`],
        ['an object for a document', `{"documentId":{"$ne":null},${hint}:null}`],
        ['an array for a document', `{"documentId":[${id}],${hint}:null}`],
        ['a number for a hint', `{"documentId":${id},${hint}:1}`],
        ['false for a hint', `{"documentId":${id},${hint}:false}`],
        ['an object for a hint', `{"documentId":${id},${hint}:{"$ne":null}}`],
        ['an array for a hint', `{"documentId":${id},${hint}:[]}`],
      ]
      for (const [what, text] of bodies) expectAnyRefusal(await sendJson(session, text), what)
      await session.key({ documentId, keyHint: null })
      return undefined
    },
  },
  {
    id: 'SIZE-2',
    title: 'a body of 10 MB is refused, and the endpoint lives on',
    source: 'the longest request of the contract has 8 KiB; what reads more can be made to run out of memory',
    async run(session) {
      const { body } = session.dialect
      if (!body) throw new Skipped('this dialect has no body')
      const documentId = session.newDocument()
      const big = `{"documentId":"${documentId}","${body.hint}":null,"more":"${'x'.repeat(BIG_BYTES)}"}`
      try {
        const answer = await sendJson(session, big)
        expectAnyRefusal(answer, 'a body of 10 MB')
      } catch (error) {
        // Hung up on while it was still talking: refused as well.
        if (!(error instanceof NoAnswer) || error.code === 'ETIMEDOUT') throw error
      }
      await session.key({ documentId, keyHint: null })
      return undefined
    },
  },
  {
    id: 'METHOD-1',
    title: 'only the method of the dialect gets a key',
    source:
      'TinyMCE, Encryption setup: "accepts a JSON HTTP POST request"; what GET answers is kept in histories and logs',
    async run(session) {
      if (!session.dialect.body) throw new Skipped('this dialect is GET')
      const documentId = session.newDocument()
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      const url = new URL(session.target.url)
      url.searchParams.set('documentId', documentId)
      url.searchParams.set(session.dialect.body.hint, keyHint)
      for (const method of METHODS) {
        const answer = await session.send({ method, url, headers: { accept: 'application/json' } })
        const isRefused = answer.status >= 400 && answer.status < 500 && !hasKey(answer)
        if (!isRefused) throw new Unmet(`405 for ${method}`, describe(answer))
      }
      return undefined
    },
  },
  {
    id: 'TYPE-2',
    title: 'a page of another site gets nothing done by a request that needs no preflight',
    source: 'Fetch standard, CORS-safelisted request headers; a form of any page may send text/plain, with cookies',
    async run(session) {
      if (!session.dialect.body) throw new Skipped('this dialect has no body')
      const documentId = session.newDocument()
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      const question = session.dialect.request(session.target.url, { documentId, keyHint })
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const headers = { 'content-type': type, origin: FOREIGN_ORIGIN, 'sec-fetch-site': 'cross-site' }
        const answer = await session.send({ ...question, headers })
        expectAnyRefusal(answer, `${type} from ${FOREIGN_ORIGIN}`)
      }
      return undefined
    },
  },
  {
    id: 'KE11',
    title: "a page's request without a content type is understood, and only from an allowed origin",
    source: 'TinyMCE, rtc_encryption_provider: the sample posts keyId without a Content-Type',
    async run(session) {
      const { dialect, target } = session
      if (dialect.name !== 'key-id') throw new Skipped('only of the dialect key-id')
      const { origin } = target
      if (origin === undefined) throw new Skipped('no --origin was named')
      const {
        method,
        url,
        body = '',
      } = dialect.request(target.url, { documentId: session.newDocument(), keyHint: null })
      for (const type of [{}, { 'content-type': 'text/plain;charset=UTF-8' }, { 'content-type': 'application/json' }]) {
        const answer = await session.send({ method, url, body, headers: { ...type, origin } })
        if (typeof membersOf(jsonOf(answer.body)).secret !== 'string')
          throw new Unmet('keyId and secret', describe(answer))
      }
      for (const headers of [{}, { origin: FOREIGN_ORIGIN }, { origin: 'null' }]) {
        expectAnyRefusal(await session.send({ method, url, body, headers }), 'a request of no allowed origin')
      }
      return undefined
    },
  },
]
