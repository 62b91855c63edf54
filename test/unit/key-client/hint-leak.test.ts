import { generateKey, hintLeak } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'

const KEY = generateKey()
const TOKEN = `${btoa('{"alg":"HS256"}')}.${btoa('{"sub":"ada"}')}.signature`.replaceAll('=', '')

describe('a hint, which the relay stores in clear,', () => {
  it.each([
    ['the key itself', KEY],
    ['the key itself', `v1:${KEY}`],
    ['an access token', TOKEN],
    ['an access token', `Bearer ${TOKEN}`],
    ['an e-mail address', 'ada@example.org'],
    ['an e-mail address', 'key of ada.lovelace+2@mail.example.org, spring'],
  ])('gives away %s: %s', (leak, hint) => expect(hintLeak(hint, KEY)).toBe(leak))

  it.each([
    '',
    'v1',
    '2026-11-30T05:17:00.000Z',
    generateKey(),
    '$argon2id$v=19$m=65536,t=3,p=1$AAECAwQFBgcICQoLDA0ODw',
    'user@machine',
    'eyJ.a.b',
  ])('gives away nothing: %j', (hint) => expect(hintLeak(hint, KEY)).toBeUndefined())

  it('has a short key in it by accident, unless it is the hint', () => {
    expect([hintLeak('version 1', '1'), hintLeak('1', '1')]).toEqual([undefined, 'the key itself'])
  })
})
