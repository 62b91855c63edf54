import { createKeyRing, KeyError, keyEndpoint, type ParsedAnswer } from '@y-sealed/key-client'
import { parseKeyAnswer } from '@y-sealed/key-client/contract'
import { below, pick } from '../../support/random.ts'
import { join } from '../mutate.ts'
import { codeOf, promised, type Target } from '../target.ts'

const KNOWN = ['key-invalid', 'key-refused', 'key-unknown', 'key-unavailable']
const CANARY = 'canary-key-0123456789-abcdefghijk'
const HALF_A_CHARACTER = /\p{Surrogate}/u
const HASH = 'A'.repeat(43)

/** Statuses that an endpoint, a proxy before it, or somebody else's server answers; the first byte of an input chooses. */
const STATUSES = [200, 200, 200, 200, 200, 200, 201, 204, 400, 401, 403, 404, 405, 418, 429, 500, 502, 503]

/** What JSON can say where a key, a hint or a number is expected (attack A7). */
const VALUES = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.5',
  '123',
  '1e999',
  '9007199254740991',
  '9007199254740992',
  '""',
  '"undefined"',
  `"${CANARY}"`,
  '"\\ud800"',
  `"${CANARY}\\udc24"`,
  '"\\u0000"',
  `"${'k'.repeat(257)}"`,
  `"${'é'.repeat(33_000)}"`,
  `"${HASH}"`,
  `"${'A'.repeat(42)}B"`,
  '[]',
  `["${CANARY}"]`,
  '{}',
  `{"key":"${CANARY}"}`,
]
const NAMES = ['key', 'keyHint', 'epoch', 'active', 'record', '__proto__', 'constructor', 'toString', '', 'Key']

/** Status (1 byte) ‖ body: what an endpoint answers, read by the client and its key ring. */
export const keyAnswer: Target = {
  name: 'key-answer',
  promise: 'is a usable key, or refused by a code in words that quote nothing of it',
  sampleCases: 800,
  mustMeet: ['accepted', ...KNOWN],
  open: async () => ({
    seeds: [
      answer(0, `{"key":"${CANARY}"}`),
      answer(1, `{"key":"${CANARY}","keyHint":"hint-1","epoch":41,"active":false,"record":null}`),
      answer(2, `{"key":"${CANARY}","keyHint":null,"epoch":0,"active":true,"record":"${HASH}","own":{"a":[1]}}`),
      answer(9, '{"error":"unauthenticated"}'),
      answer(11, ''),
    ],
    invent(random) {
      const members = Array.from({ length: below(random, 6) }, () => `"${pick(random, NAMES)}":${pick(random, VALUES)}`)
      const body = `{"key":${pick(random, [`"${CANARY}"`, pick(random, VALUES)])}${members.map((each) => `,${each}`).join('')}}`
      return answer(below(random, 24), pick(random, [body, body, body, pick(random, VALUES)]))
    },
    async check([choice = 0, ...bytes]) {
      const status = STATUSES[choice % STATUSES.length] ?? 200
      // A redirect or a status without a body cannot have one.
      const body = status === 204 ? null : Uint8Array.from(bytes)
      const fetch = async (): Promise<Response> => new Response(body, { status })
      const source = keyEndpoint('https://app.example/keys', { fetch })
      const asked = await Promise.all([null, 'hint-1'].map((hint) => askRing(source, hint, bytes)))
      return asked[0] ?? 'nothing'
    },
  }),
}

async function askRing(source: ReturnType<typeof keyEndpoint>, hint: string | null, bytes: number[]): Promise<string> {
  const ring = createKeyRing({ source, documentId: 'doc-1', random: () => 0 })
  try {
    const found = await ring.ask(hint)
    expectUsable(found, hint)
    return 'accepted'
  } catch (error) {
    const code = codeOf(error, KeyError, KNOWN)
    const told = error instanceof Error ? `${error.message} ${error.stack} ${JSON.stringify(error)}` : ''
    promised(!told.includes('canary-key'), 'an error quotes the key')
    // Only the client itself knows how long an answer may be.
    promised(code !== 'key-unavailable' || bytes.length < 2 ** 20, 'refused as if it had not come')
    return code
  } finally {
    ring.forget()
  }
}

function expectUsable({ key, keyHint, epoch, active, record }: ParsedAnswer, hint: string | null): void {
  promised(typeof key === 'string' && key.length > 0 && !HALF_A_CHARACTER.test(key), 'a key that is no text')
  promised(Buffer.byteLength(key) <= 64 * 1024, 'a key beyond its bound')
  promised(hint === null || keyHint === hint, 'another hint than was asked with')
  promised(keyHint.length <= 256 && !HALF_A_CHARACTER.test(keyHint), 'a hint that is no text')
  promised(epoch === undefined || (Number.isSafeInteger(epoch + 1) && epoch >= 0), 'an epoch that is no number')
  promised(typeof active === 'boolean', 'active is neither true nor false')
  promised(
    record === undefined || record === null || Buffer.from(record, 'base64url').length === 32,
    'a record that is no hash',
  )
  const whole = {
    key,
    keyHint,
    active,
    ...(epoch === undefined ? {} : { epoch }),
    ...(record === undefined ? {} : { record }),
  }
  promised(
    JSON.stringify(parseKeyAnswer(JSON.parse(JSON.stringify(whole)))) !== '',
    'not an answer when it is said again',
  )
}

function answer(status: number, body: string): Uint8Array {
  return join(Uint8Array.of(status), new TextEncoder().encode(body))
}
