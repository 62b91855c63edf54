import { checkKey, createKeyRing, generateKey, keyFromBytes, staticKey } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import { below, pick, seededRandom } from '../../support/random.ts'
import { LONE_SURROGATE } from './fixtures.ts'

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 37) % 256)
const asked = { documentId: 'doc-1', keyHint: null }

/** What a caller without TypeScript may pass. */
const tryStaticKey = (value: unknown) => () => staticKey(value as string)

describe('generateKey', () => {
  it('makes 32 random bytes as base64url, which no one stretches, and never the same twice', () => {
    const keys = Array.from({ length: 200 }, generateKey)
    expect(keys.filter((key) => !/^[A-Za-z0-9_-]{43}$/.test(key))).toEqual([])
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.map(checkKey)).toEqual(keys.map(() => ({ ok: true, weak: false })))
    const first = new Set(keys.map((key) => Buffer.from(key, 'base64url')[0]))
    expect(first.size, 'all values of a byte occur').toBeGreaterThan(80)
  })
})

describe('bytes', () => {
  it.each([16, 32])('%i of them are the key that their base64url is, from wherever they come', async (length) => {
    const text = Buffer.from(bytes(length)).toString('base64url')
    expect(staticKey(bytes(length))(asked)).toEqual({ key: text, keyHint: '' })
    expect(keyFromBytes(bytes(length))).toBe(text)
    const ring = createKeyRing({ source: () => ({ key: bytes(length) }), documentId: 'doc-1' })
    expect((await ring.ask(null)).key).toBe(text)
    expect(checkKey(bytes(length))).toEqual(checkKey(text))
  })

  it('of 16 count as guessable, like every key of fewer than 32 characters', () => {
    expect([checkKey(bytes(16)), checkKey(bytes(32))]).toEqual([
      { ok: true, weak: true },
      { ok: true, weak: false },
    ])
  })

  it.each([0, 15, 17, 24, 31, 33, 64])('%i of them are no key', (length) => {
    expect(tryStaticKey(bytes(length))).toThrow(expect.objectContaining({ code: 'key-invalid' }))
    expect(() => keyFromBytes(bytes(length))).toThrow(expect.objectContaining({ code: 'key-invalid' }))
  })

  it('are copied: who changes them later changes no key', () => {
    const mine = bytes(32)
    const source = staticKey(mine)
    const before = source(asked)
    mine.fill(0)
    expect(source(asked)).toEqual(before)
  })

  it('in base64 or base64url, padded or not, are one key after keyFromBytes', () => {
    const whole = Buffer.from(Uint8Array.from({ length: 32 }, (_, index) => 255 - index))
    const [base64, base64url] = [whole.toString('base64'), whole.toString('base64url')]
    expect(base64).not.toBe(base64url)
    const keys = [base64, base64url, base64.replaceAll('=', ''), `${base64url}=`].map(keyFromBytes)
    expect(new Set(keys)).toEqual(new Set([base64url]))
  })

  it('in base64 are another key than in base64url where nobody says that they are bytes: a string is used as it is', () => {
    const base64 = Buffer.from(bytes(32)).toString('base64')
    expect(staticKey(base64)(asked)).toEqual({ key: base64, keyHint: '' })
  })

  it.each(['', 'not a very secret 🔑', 'A'.repeat(42), `${'A'.repeat(42)}B`, `${'A'.repeat(43)}===`, 'AA AA'])(
    'are not %j',
    (text) => {
      expect(() => keyFromBytes(text)).toThrow(expect.objectContaining({ code: 'key-invalid', fault: 'caller' }))
    },
  )
})

describe('checkKey', () => {
  const seed = 'check-key 1'

  it(`says of 1,000 values what staticKey and a ring do with them (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const text = (length: number) =>
      Array.from({ length }, () =>
        pick(random, ['a', 'Z', '9', '-', '_', ' ', '\u0000', 'é', 'e\u0301', '🔑', 'ש']),
      ).join('')
    const makers: (() => unknown)[] = [
      () => text(below(random, 80)),
      () => text(below(random, 20)) + LONE_SURROGATE + text(below(random, 20)),
      () => 'x'.repeat(64 * 1024 - 2 + below(random, 5)),
      () => 'é'.repeat(32 * 1024 - 1 + below(random, 3)),
      () => bytes(pick(random, [0, 1, 15, 16, 17, 31, 32, 33, 64])),
      () => Buffer.from(bytes(pick(random, [16, 32, 24]))),
      () => pick<unknown>(random, [Number.NaN, null, true, 0, 1n, Symbol('key'), () => 'key', '']),
      () =>
        pick<unknown>(random, [[], ['key'], {}, { key: 'key' }, new String('key'), new Date(0), new ArrayBuffer(32)]),
      () => pick<unknown>(random, [new Uint16Array(16), new DataView(new ArrayBuffer(32)), new Uint8ClampedArray(32)]),
      () => generateKey(),
    ]
    const outcomes = { ok: 0, not: 0 }
    for (let time = 0; time < 1_000; time++) {
      const value = pick(random, makers)()
      const found = checkKey(value)
      outcomes[found.ok ? 'ok' : 'not']++
      if (found.ok) expect(tryStaticKey(value)).not.toThrow()
      else expect(tryStaticKey(value)).toThrow(expect.objectContaining({ code: 'key-invalid' }))
      const ring = createKeyRing({ source: () => ({ key: value }), documentId: 'doc-1' })
      const accepted = await ring.ask(null).then(
        () => true,
        () => false,
      )
      expect(accepted).toBe(found.ok)
    }
    // Both happened often, or the agreement would say nothing.
    expect(outcomes.ok).toBeGreaterThan(200)
    expect(outcomes.not).toBeGreaterThan(200)
  })

  it('gives a reason that has nothing of the key', () => {
    const found = checkKey(`hunter2${LONE_SURROGATE}`)
    expect(found).toEqual({ ok: false, reason: expect.stringContaining('a string of 8 units') })
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })
})
