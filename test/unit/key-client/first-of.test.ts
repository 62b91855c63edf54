import {
  createKeyRing,
  firstOf,
  fragmentKey,
  generateKey,
  KeyError,
  type KeyErrorCode,
  type KeySource,
  keyEndpoint,
  staticKey,
} from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'

const asked = (keyHint: string | null) => ({ documentId: 'doc-1', keyHint })
const failing = (code: KeyErrorCode): KeySource => {
  return () => {
    throw new KeyError(code, 'no')
  }
}
const answer = staticKey(generateKey(), 'h1')

describe('firstOf: for a hint', () => {
  it.each<KeyErrorCode>(['key-unknown', 'key-missing', 'key-refused', 'key-unavailable', 'key-invalid'])(
    'a source that says %s is passed over',
    async (code) => {
      expect(await firstOf([failing(code), answer])(asked('h1'))).toEqual(answer(asked('h1')))
    },
  )

  it('who answers first is the last to be asked', async () => {
    const never: KeySource = () => {
      throw new Error('was asked')
    }
    expect(await firstOf([answer, never])(asked('h1'))).toEqual(answer(asked('h1')))
  })

  it.each<[KeyErrorCode[], KeyErrorCode]>([
    [['key-unknown', 'key-unavailable', 'key-missing'], 'key-unavailable'],
    [['key-missing', 'key-unknown', 'key-refused'], 'key-refused'],
    [['key-missing', 'key-unknown'], 'key-unknown'],
    [['key-missing'], 'key-missing'],
  ])('%j together are %s: what leaves most hope', async (codes, code) => {
    await expect(firstOf(codes.map(failing))(asked('h1'))).rejects.toMatchObject({ code })
  })

  it('a source that breaks counts as one that is down, and its words stay with it', async () => {
    const broken: KeySource = () => {
      throw new RangeError('hunter2')
    }
    const error = await Promise.resolve(firstOf([broken, failing('key-unknown')])(asked('h1'))).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'key-unavailable' })
    expect(String(error)).not.toContain('hunter2')
  })
})

describe('firstOf: for null', () => {
  it('a link without a key is passed over, and the endpoint is asked', async () => {
    expect(await firstOf([fragmentKey({ fragment: '' }), answer])(asked(null))).toEqual(answer(asked(null)))
  })

  it.each<KeyErrorCode>(['key-unavailable', 'key-refused', 'key-unknown', 'key-invalid'])(
    'after %s no other is asked: no document may begin under the key of a source that stands second',
    async (code) => {
      await expect(firstOf([failing(code), answer])(asked(null))).rejects.toMatchObject({ code })
    },
  )
})

it('has the origin of its endpoint, so that a relay at the same origin is told of', () => {
  const endpoint = keyEndpoint('https://keys.example/keys')
  expect(firstOf([fragmentKey(), endpoint]).origin).toBe('https://keys.example')
  expect(firstOf([fragmentKey()]).origin).toBeUndefined()
})

it('is a source like any other for a ring', async () => {
  const ring = createKeyRing({ source: firstOf([fragmentKey({ fragment: '' }), answer]), documentId: 'doc-1' })
  expect((await ring.confirmNew()).keyHint).toBe('h1')
})

it.each([[[]], [[undefined]], [['https://keys.example']]])('of %j is a TypeError', (sources) => {
  // What a caller without TypeScript may pass.
  expect(() => firstOf(sources as unknown as KeySource[])).toThrow(TypeError)
})
