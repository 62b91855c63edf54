import { describe, describeHeader } from '../describe.ts'
import type { Exchange } from '../exchange.ts'
import type { Rule } from '../rule.ts'
import type { Session } from '../session.ts'
import { Skipped, Unmet } from '../verdict.ts'
import { FOREIGN_ORIGIN } from './requests.ts'

const CORS = 'Fetch standard, CORS protocol'

export const WEB: readonly Rule[] = [
  {
    id: 'TLS-1',
    title: 'the URL is https, or http to this machine',
    source: 'a key must not cross a network in clear',
    async run({ target: { url } }) {
      const isLoopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname)
      if (url.protocol !== 'https:' && !isLoopback) throw new Unmet('https', 'http to another machine')
      return isLoopback && url.protocol === 'http:' ? 'this machine: nothing is known of TLS in front of it' : undefined
    },
  },
  {
    id: 'REDIRECT-1',
    title: 'the URL itself answers: it redirects nobody',
    source: 'RFC 9110 §15.4; a client that followed would hand its token and its key to whoever is named',
    async run(session) {
      const answer = await session.ask({ documentId: session.newDocument(), keyHint: null })
      if (answer.status >= 300 && answer.status < 400) throw new Unmet('an answer', describe(answer))
      return undefined
    },
  },
  {
    id: 'CACHE-1',
    title: 'a key is answered with Cache-Control: no-store',
    source: 'RFC 9111 §5.2.2.5',
    async run(session) {
      const documentId = session.newDocument()
      const first = await session.ask({ documentId, keyHint: null })
      const { keyHint = '' } = await session.key({ documentId, keyHint: null })
      for (const { headers } of [first, await session.ask({ documentId, keyHint })]) {
        if (!/(^|[\s,])no-store($|[\s,;])/i.test(headers['cache-control'] ?? '')) {
          throw new Unmet('no-store', describeHeader(headers['cache-control']))
        }
      }
      return undefined
    },
  },
  {
    id: 'KE14',
    title: 'a page of the allowed origin may ask, after a preflight and with what it needs to send',
    source: CORS,
    async run(session) {
      const { origin } = session.target
      if (origin === undefined) throw new Skipped('no --origin was named')
      const names = Object.keys(session.target.users.writer).map((name) => name.toLowerCase())
      const sent = names.filter((name) => name !== 'cookie')
      if (session.dialect.name === 'contract') sent.push('content-type')
      const preflight = await sendPreflight(session, origin, sent)
      expectOrigin(preflight, origin, 'the preflight')
      if (preflight.status < 200 || preflight.status > 299)
        throw new Unmet('2xx for the preflight', String(preflight.status))
      const allowed = listOf(preflight.headers['access-control-allow-headers'])
      const missing = sent.filter(
        (name) => !allowed.includes(name) && !(allowed.includes('*') && name !== 'authorization'),
      )
      if (missing.length > 0) throw new Unmet(`Access-Control-Allow-Headers with ${missing.join(', ')}`, 'none of that')
      const answer = await session.ask({ documentId: session.newDocument(), keyHint: null }, { headers: { origin } })
      expectOrigin(answer, origin, 'the answer')
      for (const { headers } of [preflight, answer]) {
        if (names.includes('cookie') && headers['access-control-allow-credentials'] !== 'true') {
          throw new Unmet('Access-Control-Allow-Credentials: true, since cookies say who asks', 'none')
        }
      }
      if (session.dialect.name === 'key-id') return undefined
      const plain = await session.ask({ documentId: session.newDocument(), keyHint: null })
      const isConstant = plain.headers['access-control-allow-origin'] === origin
      if (!isConstant && !listOf(answer.headers.vary).some((name) => name === 'origin' || name === '*')) {
        throw new Unmet('Vary: Origin, since the answer depends on it', describeHeader(answer.headers.vary))
      }
      return undefined
    },
  },
  {
    id: 'CORS-1',
    title: 'a page of any other origin may not read the answer',
    source: `${CORS}; a list of exact origins, never * and never whoever asks`,
    async run(session) {
      const { origin } = session.target
      const near =
        origin === undefined ? [] : [`${origin}.conformance.invalid`, origin.replace('://', '://x'), `${origin}:1`]
      for (const other of [FOREIGN_ORIGIN, 'null', ...near]) {
        const preflight = await sendPreflight(session, other, ['content-type', 'authorization'])
        const answer = await session.ask(
          { documentId: session.newDocument(), keyHint: null },
          { headers: { origin: other } },
        )
        for (const [what, { headers }] of [
          ['the preflight', preflight],
          ['the answer', answer],
        ] as const) {
          const allows = headers['access-control-allow-origin']
          if (allows !== '*' && allows !== other) continue
          const credentials = headers['access-control-allow-credentials'] === 'true' ? ', with credentials' : ''
          const asked =
            other === FOREIGN_ORIGIN || other === 'null' ? other : 'an origin that resembles the allowed one'
          throw new Unmet(
            `no Access-Control-Allow-Origin for ${asked}`,
            `${allows === '*' ? '*' : 'it'} in ${what}${credentials}`,
          )
        }
      }
      return undefined
    },
  },
]

function sendPreflight(session: Session, origin: string, names: readonly string[]): Promise<Exchange> {
  const { method, url } = session.dialect.request(session.target.url, { documentId: 'preflight', keyHint: null })
  const asked = { 'access-control-request-method': method, 'access-control-request-headers': names.join(',') }
  // As a browser sends it: without a cookie or a token.
  return session.send({ method: 'OPTIONS', url, headers: { origin, ...asked } }, { as: {} })
}

function expectOrigin({ headers }: Exchange, origin: string, what: string): void {
  const allowed = headers['access-control-allow-origin']
  if (allowed !== origin) throw new Unmet(`Access-Control-Allow-Origin: ${origin} in ${what}`, describeHeader(allowed))
}

function listOf(header: string | undefined): string[] {
  return (header ?? '').split(',').map((name) => name.trim().toLowerCase())
}
