import { staticKey } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import { CANARY_KEY, LONE_SURROGATE } from './fixtures.ts'

const asked = (keyHint: string | null) => ({ documentId: 'doc-1', keyHint })

describe('staticKey', () => {
  it('answers its key to null and to its own hint, so that a document opens again', () => {
    const source = staticKey('not a very secret 🔑', 'v1')
    expect(source(asked(null))).toEqual({ key: 'not a very secret 🔑', keyHint: 'v1' })
    expect(source(asked('v1'))).toEqual({ key: 'not a very secret 🔑', keyHint: 'v1' })
  })

  it('has the empty hint if it is given none', () => {
    expect(staticKey('k')(asked(''))).toEqual({ key: 'k', keyHint: '' })
  })

  it('does not claim another hint: that document was sealed under a key that it is not', () => {
    expect(() => staticKey(CANARY_KEY)(asked('v1'))).toThrow(expect.objectContaining({ code: 'key-unknown' }))
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty key', ''],
    ['a number', 123],
    ['a lone surrogate', LONE_SURROGATE],
  ])('refuses %s at once', (_what, key) => {
    // What a caller without TypeScript may pass.
    expect(() => staticKey(key as string)).toThrow(expect.objectContaining({ code: 'key-invalid', fault: 'caller' }))
  })

  it('refuses a hint that no record could hold', () => {
    expect(() => staticKey('k', 'x'.repeat(257))).toThrow(expect.objectContaining({ code: 'key-invalid' }))
  })
})
