import { isWeakKey, parseDocumentKey } from '@y-sealed/envelope'
import { expect, it } from 'vitest'
import { errorOf } from './fixtures.ts'

const bad: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 123],
  ['NaN', Number.NaN],
  ['true', true],
  ['false', false],
  ['an object', {}],
  ['an array of one key', ['correct-horse-battery-staple-0123456789AB']],
  ['bytes', new Uint8Array(32)],
  ['a String object', Object('correct-horse-battery-staple-0123456789AB')],
  ['an object with toString', { toString: () => 'correct-horse-battery-staple-0123456789AB' }],
  ['a symbol', Symbol('key')],
  ['a bigint', 1n],
  ['a function', () => 'key'],
  ['the empty string', ''],
  ['a lone high surrogate', 'key\ud800'],
  ['a lone low surrogate', '\udc00key'],
  ['surrogates the wrong way round', '\udc00\ud800'],
  ['65,537 characters', 'a'.repeat(65537)],
  ['65,536 characters of 65,537 bytes', `é${'a'.repeat(65535)}`],
  ['a lone surrogate that JSON brought', JSON.parse('"\\ud800"')],
]

it.each(bad)('[ENV-3] %s is no document key', async (_name, value) => {
  expect(await errorOf(() => parseDocumentKey(value))).toMatchObject({ code: 'key-invalid', fault: 'caller' })
})

it('[ENV-3] any other string is a key as it stands: not trimmed, not normalised', () => {
  const odd = [' ', '\0', '\ufeffkey', 'key\r\n', 'e\u0301', '\u00e9', 'undefined', '🔑', '\ufffd', 'a'.repeat(65536)]
  for (const key of odd) expect(parseDocumentKey(key)).toBe(key)
})

it('[ENV-8] a refused key is not in the error', async () => {
  const error = await errorOf(() => parseDocumentKey('canary-secret\ud800'))
  expect(`${error.message} ${error.stack}`).not.toContain('canary')
})

it('[ENV-7] a key is weak if it is short, has few different characters, or is no token', () => {
  const weak = (key: string) => isWeakKey(parseDocumentKey(key))
  expect(weak('not a very secret 🔑')).toBe(true)
  expect(weak('hunter2')).toBe(true)
  expect(weak('abcdefghijklmnopqrstuvwxyz01234')).toBe(true)
  expect(weak('abcdefghijklmnopqrstuvwxyz012345')).toBe(false)
  expect(weak('abcdefghi'.repeat(4))).toBe(true)
  expect(weak('abcdefghij'.repeat(4))).toBe(false)
  expect(weak('0123456789abcdef0123456789abcdef')).toBe(false)
  expect(weak('K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=')).toBe(false)
  expect(weak('abcdefghijklmnopqrstuvwxyz012345\n')).toBe(true)
  expect(weak('é'.repeat(64))).toBe(true)
})
