import { MAX_DOCUMENT_KEY_BYTES } from '@y-sealed/envelope'
import {
  ContractError,
  MAX_DOCUMENT_ID_BYTES,
  MAX_KEY_BYTES,
  MAX_KEY_HINT_UNITS,
  parseKeyAnswer,
  parseKeyRequest,
} from '@y-sealed/key-client/contract'
import { describe, expect, it } from 'vitest'
import { CANARY_KEY, LONE_SURROGATE } from './fixtures.ts'

const RECORD = 'A'.repeat(43)

describe('a request, as an endpoint receives it', () => {
  it.each([
    ['for the key to start with', { documentId: 'doc-1', keyHint: null }],
    ['for the empty hint, which is a hint', { documentId: 'doc-1', keyHint: '' }],
    ['for a hint of emoji and right-to-left text', { documentId: 'd🔑', keyHint: '🔑 שלום' }],
    ['for the longest document id', { documentId: 'é'.repeat(MAX_DOCUMENT_ID_BYTES / 2), keyHint: null }],
    [
      'for the longest hint, counted in UTF-16 units',
      { documentId: 'd', keyHint: '🔑'.repeat(MAX_KEY_HINT_UNITS / 2) },
    ],
    ['to leave a hint behind', { documentId: 'd', keyHint: null, after: 'old' }],
    ['with a record to keep', { documentId: 'd', keyHint: 'h', record: RECORD }],
  ])('is understood %s', (_what, request) => {
    expect(parseKeyRequest(request)).toEqual(request)
  })

  it.each([
    ['null', null, 'request'],
    ['an array', [], 'request'],
    ['text', 'doc-1', 'request'],
    ['without a document id', { keyHint: null }, 'documentId'],
    ['with a number for a document id', { documentId: 1, keyHint: null }, 'documentId'],
    ['with an empty document id', { documentId: '', keyHint: null }, 'documentId'],
    [
      'with a document id one byte too long',
      { documentId: 'x'.repeat(MAX_DOCUMENT_ID_BYTES + 1), keyHint: null },
      'documentId',
    ],
    ['with a document id too long in UTF-8 only', { documentId: '🔑'.repeat(257), keyHint: null }, 'documentId'],
    ['with a lone surrogate in the document id', { documentId: LONE_SURROGATE, keyHint: null }, 'documentId'],
    ['without a hint: undefined is not null', { documentId: 'd' }, 'keyHint'],
    ['with an object for a hint', { documentId: 'd', keyHint: { $gt: '' } }, 'keyHint'],
    ['with a hint one unit too long', { documentId: 'd', keyHint: 'x'.repeat(MAX_KEY_HINT_UNITS + 1) }, 'keyHint'],
    ['with a lone surrogate in the hint', { documentId: 'd', keyHint: `a${LONE_SURROGATE}` }, 'keyHint'],
    ['with a hint and another to leave', { documentId: 'd', keyHint: 'h', after: 'old' }, 'after'],
    ['with a record that is not 32 bytes', { documentId: 'd', keyHint: 'h', record: 'AAAA' }, 'record'],
    ['with another spelling of a record', { documentId: 'd', keyHint: 'h', record: `${'A'.repeat(42)}B` }, 'record'],
    ['with a record and no hint that it stands for', { documentId: 'd', keyHint: null, record: RECORD }, 'record'],
    ['with a member it does not know', { documentId: 'd', keyHint: null, admin: true }, 'request'],
  ])('is refused if it is %s', (_what, request, part) => {
    expect(() => parseKeyRequest(request)).toThrow(expect.objectContaining({ code: 'malformed', part }))
  })

  it('does not get past the parser through its prototype', () => {
    const request = parseKeyRequest(JSON.parse('{"documentId":"d","keyHint":null}'))
    expect(Object.keys(request)).toEqual(['documentId', 'keyHint'])
    expect(() => parseKeyRequest(JSON.parse('{"documentId":"d","keyHint":null,"__proto__":{"x":1}}'))).toThrow(
      ContractError,
    )
  })
})

describe('an answer, as a client receives it', () => {
  it.each([
    ['a key alone', { key: 'k' }, { key: 'k' }],
    ['a null hint, which is none', { key: 'k', keyHint: null }, { key: 'k' }],
    ['every member', { key: 'k', keyHint: '', epoch: 0, active: false, record: RECORD }, undefined],
    ['no record yet', { key: 'k', record: null }, { key: 'k', record: null }],
    ['members of its own, which are ignored', { success: true, key: 'k', cause: 1 }, { key: 'k' }],
    ['a key of emoji, byte-exact', { key: 'not a very secret 🔑' }, undefined],
    ['the longest key', { key: 'é'.repeat(MAX_KEY_BYTES / 2) }, undefined],
  ])('is understood with %s', (_what, answer, parsed) => {
    expect(parseKeyAnswer(answer)).toEqual(parsed ?? answer)
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['123', 123],
    ['""', ''],
    ['the key itself', CANARY_KEY],
    ['an array', [CANARY_KEY]],
    ['{}', {}],
    ['{key: null}', { key: null }],
    ['{key: 123}', { key: 123 }],
    ['{key: true}', { key: true }],
    ['{key: ""}', { key: '' }],
    ['{key: {}}', { key: {} }],
    ['{key: [...]}', { key: [CANARY_KEY] }],
    ['a key of 24 bytes', { key: new Uint8Array(24) }],
    ['a String object', { key: new String(CANARY_KEY) }],
    ['a key that is a lone surrogate', { key: LONE_SURROGATE }],
    ['a key that ends in a lone surrogate', { key: CANARY_KEY + LONE_SURROGATE }],
    ['a key one byte too long', { key: 'x'.repeat(MAX_KEY_BYTES + 1) }],
    ['a key too long in UTF-8 only', { key: '€'.repeat(MAX_KEY_BYTES / 2) }],
    ['a hint that is a number', { key: CANARY_KEY, keyHint: 1 }],
    ['a hint one unit too long', { key: CANARY_KEY, keyHint: 'x'.repeat(MAX_KEY_HINT_UNITS + 1) }],
    ['a hint with a lone surrogate', { key: CANARY_KEY, keyHint: LONE_SURROGATE }],
    ['a negative epoch', { key: CANARY_KEY, epoch: -1 }],
    ['an epoch that is not whole', { key: CANARY_KEY, epoch: 1.5 }],
    ['an epoch the record cannot hold', { key: CANARY_KEY, epoch: Number.MAX_SAFE_INTEGER }],
    ['an epoch in text', { key: CANARY_KEY, epoch: '1' }],
    ['active in text', { key: CANARY_KEY, active: 'false' }],
    ['a record that is not 32 bytes', { key: CANARY_KEY, record: 'AAAA' }],
    ['another spelling of a record', { key: CANARY_KEY, record: `${'A'.repeat(42)}B` }],
  ])('is refused if it is %s, and the error does not quote it', (_what, answer) => {
    const error = errorOf(() => parseKeyAnswer(answer))
    expect(error).toBeInstanceOf(ContractError)
    expect(String(error)).not.toContain(CANARY_KEY)
  })
})

it('an answer and the envelope agree on how long a key may be', () => {
  expect(MAX_KEY_BYTES).toBe(MAX_DOCUMENT_KEY_BYTES)
})

function errorOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
