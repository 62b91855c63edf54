import { parseKeyAnswer } from '@y-sealed/key-client/contract'
import { createKeyServer, type KeyServer, type Log } from '@y-sealed/key-endpoint'
import { below, pick } from '../../support/random.ts'
import { join } from '../mutate.ts'
import { promised, type Target } from '../target.ts'

const ROUTES = ['', '/rotate', '/deactivate', '/shred', '/list']
/** What each route asks for beside the document. */
const MEMBERS = [['keyHint', 'after'], ['after'], ['keyHint'], ['keyHint'], []]
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  '',
]

/** The codes that the README names, each with its status. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  malformed: 400,
  refused: 403,
  'key-unknown': 404,
  'key-active': 409,
  'too-large': 413,
  'json-only': 415,
}

const VALUES = [
  'null',
  'true',
  '1',
  '""',
  '"doc-1"',
  '"doc-2"',
  '"hint"',
  '"\\ud800"',
  '"a\\u0000b"',
  `"${'d'.repeat(1_025)}"`,
  `"${'é'.repeat(400)}"`,
  `"${'A'.repeat(43)}"`,
  `"${'A'.repeat(42)}B"`,
  '[]',
  '{}',
]
const NAMES = ['documentId', 'keyHint', 'after', 'record', '__proto__', 'other']

/** Route (1 byte) ‖ content type (1) ‖ body: what anybody may send to a key endpoint. */
export const keyRequest: Target = {
  name: 'key-request',
  promise: 'is answered by the contract or refused by a code; one hint names one key, whatever is asked',
  sampleCases: 300,
  mustMeet: ['accepted', 'malformed', 'key-unknown', 'too-large', 'json-only'],
  async open() {
    const failures: string[] = []
    const log: Log = {
      info() {},
      warn() {},
      error: (fields, message) => void failures.push(`${message} ${JSON.stringify(fields)}`),
    }
    const authorize = () => ({ subject: 'somebody', role: 'admin' as const })
    const server = await createKeyServer({ data: 'memory', port: 0, log, authorize, rateLimits: false })
    const issued = new Map<string, string>()
    return {
      seeds: [
        request(0, '{"documentId":"doc-1","keyHint":null}'),
        request(0, '{"documentId":"doc-1","keyHint":null,"after":"hint"}'),
        request(0, `{"documentId":"doc-2","keyHint":"hint","record":"${'A'.repeat(43)}"}`),
        request(1, '{"documentId":"doc-1","after":"hint"}'),
        request(2, '{"documentId":"doc-1","keyHint":"hint"}'),
        request(3, '{"documentId":"doc-1","keyHint":"hint"}'),
        request(4, '{"documentId":"doc-1"}'),
        request(0, `{"documentId":"${'d'.repeat(20_000)}","keyHint":null}`),
      ],
      invent(random) {
        const route = below(random, ROUTES.length)
        const hint = (): string => pick(random, ['null', '"hint"', `"@${below(random, 8)}"`])
        const members = (MEMBERS[route] ?? []).map((name) => `"${name}":${hint()}`)
        const all = [`"documentId":"doc-${pick(random, [0, 0, 0, 1])}"`, ...members.filter(() => below(random, 4) > 0)]
        if (below(random, 4) === 0) all.push(`"${pick(random, NAMES)}":${pick(random, VALUES)}`)
        return request(route, `{${all.join(',')}}`, pick(random, [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]))
      },
      async check(input) {
        const decision = await ask(server, input, issued)
        promised(failures.length === 0, `the endpoint failed: ${failures[0]}`)
        return decision
      },
      close: () => server.close(),
    }
  },
}

async function ask({ url }: KeyServer, input: Uint8Array, issued: Map<string, string>): Promise<string> {
  const [route = 0, type = 0] = input
  const path = ROUTES[route % ROUTES.length] ?? ''
  const contentType = TYPES[type % TYPES.length] ?? ''
  // Hints that exist are asked for as well: rotated, shredded, and asked for again. `@3` is the third newest.
  const hints = [...issued.keys()].map((name) => name.slice(name.indexOf('\u0001') + 1)).reverse()
  const text = Buffer.from(input.subarray(2)).toString('latin1')
  const body = Buffer.from(
    text.replace(/"@(\d)"/g, (_, at) => `"${hints[Number(at)] ?? ''}"`),
    'latin1',
  )
  const headers: Record<string, string> = contentType === '' ? {} : { 'content-type': contentType }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body })
  const answer: unknown = await response.json()
  promised(response.headers.get('cache-control') === 'no-store', 'an answer that may be stored')
  promised(typeof answer === 'object' && answer !== null, 'an answer that is no object')
  if (response.status !== 200) {
    const code = 'error' in answer ? String(answer.error) : ''
    promised(Object.keys(answer).length === 1 && STATUS_BY_CODE[code] === response.status, `${response.status} ${code}`)
    return code
  }
  promised(contentType.startsWith('application/json'), 'a body that is not JSON was taken')
  if (path !== '') {
    promised(!JSON.stringify(answer).includes('"key":'), 'an act answers with a key')
    return 'accepted'
  }
  const { key, keyHint } = parseKeyAnswer(answer)
  const { documentId } = JSON.parse(new TextDecoder().decode(body)) as { documentId: string }
  const name = `${documentId}\u0001${keyHint}`
  promised((issued.get(name) ?? key) === key, 'another key under the same hint')
  issued.set(name, key)
  return 'accepted'
}

function request(route: number, body: string, type = 0): Uint8Array {
  return join(Uint8Array.of(route, type), new TextEncoder().encode(body))
}
