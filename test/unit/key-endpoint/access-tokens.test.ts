import { accessTokens, KEYS_AUDIENCE } from '@y-sealed/key-endpoint'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Answer, ask, recordingLog, startKeyServer } from './fixtures.ts'

const SECRET = 'a secret of the key endpoint, 32+ bytes'
const ADA = { sub: 'ada', role: 'write', aud: KEYS_AUDIENCE }

interface Signing {
  readonly secret?: string
  readonly alg?: string
  readonly expires?: string | number | undefined
}

function sign(claims: JWTPayload, { secret = SECRET, alg = 'HS256', ...rest }: Signing = {}): Promise<string> {
  const token = new SignJWT(claims).setProtectedHeader({ alg })
  const expires = 'expires' in rest ? rest.expires : '5m'
  if (expires !== undefined) token.setExpirationTime(expires)
  return token.sign(new TextEncoder().encode(secret))
}

async function askAs(
  authorization: string | undefined,
  documentId = 'doc-1',
  keyHint: string | null = null,
): Promise<Answer> {
  const { url } = await startKeyServer({ authorize: accessTokens({ secret: SECRET }) })
  return ask(url, { documentId, keyHint }, authorization === undefined ? {} : { authorization })
}

describe('a token', () => {
  it('of this endpoint opens every document if it names none', async () => {
    const answer = await askAs(`Bearer ${await sign(ADA)}`, 'anything')
    expect([answer.status, answer.json.active]).toEqual([200, true])
  })

  it.each([
    ['the document it names', ['doc-1'], 'doc-1', 200],
    ['a document under a prefix it names', ['x', 'team-7/*'], 'team-7/plan', 200],
    ['the bare prefix', ['team-7/*'], 'team-7/', 200],
    ['another document', ['doc-1'], 'doc-10', 403],
    ['a document of which it names a prefix only by chance', ['doc-1'], 'doc-1/x', 403],
    ['a document under a prefix it does not name', ['team-7/*'], 'team-70/plan', 403],
    ['anything, where its list is empty', [], 'doc-1', 403],
  ])('asked for %s', async (_what, documents, documentId, status) => {
    expect((await askAs(`Bearer ${await sign({ ...ADA, documents })}`, documentId)).status).toBe(status)
  })

  it('for reading makes no key', async () => {
    expect((await askAs(`Bearer ${await sign({ ...ADA, role: 'read' })}`)).status).toBe(403)
  })
})

describe('everything else is nobody, 401, and says no more', () => {
  it.each<[string, () => Promise<string> | string | undefined]>([
    ['no header', () => undefined],
    ['another scheme', () => 'Basic YWRhOmh1bnRlcjI='],
    ['no token', () => 'Bearer '],
    ['nonsense', () => 'Bearer nonsense'],
    ['a relay’s token', async () => `Bearer ${await sign({ ...ADA, aud: 'y-sealed-relay' })}`],
    [
      'a token for both, which the relay would be shown',
      async () => `Bearer ${await sign({ ...ADA, aud: [KEYS_AUDIENCE, 'y-sealed-relay'] })}`,
    ],
    ['no audience', async () => `Bearer ${await sign({ sub: 'ada', role: 'write' })}`],
    ['another secret', async () => `Bearer ${await sign(ADA, { secret: 'a secret of the relay, which is another' })}`],
    ['another algorithm', async () => `Bearer ${await sign(ADA, { alg: 'HS512', secret: SECRET })}`],
    ['no signature', () => `Bearer ${new UnsecuredJWT(ADA).setExpirationTime('5m').encode()}`],
    ['a signature that was cut off', async () => `Bearer ${(await sign(ADA)).replace(/[^.]+$/, '')}`],
    ['expired', async () => `Bearer ${await sign(ADA, { expires: 1_000_000_000 })}`],
    ['valid for ever', async () => `Bearer ${await sign(ADA, { expires: undefined })}`],
    ['no subject', async () => `Bearer ${await sign({ role: 'write', aud: KEYS_AUDIENCE })}`],
    ['an empty subject', async () => `Bearer ${await sign({ ...ADA, sub: '' })}`],
    ['no role', async () => `Bearer ${await sign({ sub: 'ada', aud: KEYS_AUDIENCE })}`],
    ['a role nobody knows', async () => `Bearer ${await sign({ ...ADA, role: 'owner' })}`],
    ['documents that are no list', async () => `Bearer ${await sign({ ...ADA, documents: 'doc-1' })}`],
    ['documents that are no text', async () => `Bearer ${await sign({ ...ADA, documents: [1] })}`],
  ])('%s', async (_what, authorization) => {
    const answer = await askAs(await authorization())
    expect([answer.status, answer.text]).toEqual([401, '{"error":"unauthenticated"}'])
  })

  it('and nothing of it is logged', async () => {
    const log = recordingLog()
    const { url } = await startKeyServer({ authorize: accessTokens({ secret: SECRET }), log })
    await ask(
      url,
      { documentId: 'doc-1', keyHint: null },
      { authorization: `Bearer ${await sign(ADA, { expires: 1 })}` },
    )
    expect(log.lines).toEqual([])
  })
})

it.each([
  ['31 bytes', 'x'.repeat(31), '31'],
  ['no bytes', new Uint8Array(), '0'],
  ['nothing', undefined, 'undefined'],
])('a secret of %s is refused, and not quoted', (_what, secret, got) => {
  // What an app without TypeScript may pass.
  const make = () => accessTokens({ secret: secret as string })
  expect(make).toThrow(new TypeError(`accessTokens: the secret must have at least 32 bytes; got ${got}`))
})
