import { generateKey, KeyError, type KeySource, keyEndpoint, rememberKeys } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'

const KEY = generateKey()
const code = (expected: string) => expect.objectContaining({ code: expected })
const asked = (keyHint: string | null, documentId = 'doc-1') => ({ documentId, keyHint })

/** A source that fails while it is told to. */
function failing(): { source: KeySource; with?: unknown } {
  const state: { source: KeySource; with?: unknown } = {
    source: ({ keyHint }) => {
      if (state.with !== undefined) throw state.with
      return { key: KEY, keyHint: keyHint ?? 'v1' }
    },
  }
  return state
}

describe('rememberKeys', () => {
  it.each([
    ['that is down', new KeyError('key-unavailable', 'down')],
    ['that throws anything', new Error('no network')],
  ])('answers for a source %s what it has answered before', async (_what, error) => {
    const state = failing()
    const source = rememberKeys(state.source)
    await source(asked('v1'))
    state.with = error
    expect(await source(asked('v1'))).toEqual({ key: KEY, keyHint: 'v1' })
    for (const other of [asked('v2'), asked('v1', 'doc-2')]) await expect(source(other)).rejects.toBe(error)
  })

  it('never answers null from memory: a document must not be begun under a key that may be retired', async () => {
    const state = failing()
    const source = rememberKeys(state.source)
    await source(asked(null))
    state.with = new KeyError('key-unavailable', 'down')
    await expect(source(asked(null))).rejects.toThrow(code('key-unavailable'))
    await expect(source(asked('v1'))).rejects.toThrow(code('key-unavailable'))
  })

  it.each(['key-refused', 'key-unknown'] as const)('passes %s on, and forgets the key', async (refusal) => {
    const state = failing()
    const source = rememberKeys(state.source)
    await source(asked('v1'))
    state.with = new KeyError(refusal, 'no')
    await expect(source(asked('v1'))).rejects.toThrow(code(refusal))
    state.with = new KeyError('key-unavailable', 'down')
    await expect(source(asked('v1'))).rejects.toThrow(code('key-unavailable'))
  })

  it('has the origin of the endpoint behind it', () => {
    expect(rememberKeys(keyEndpoint('https://app.example/keys')).origin).toBe('https://app.example')
    expect('origin' in rememberKeys(failing().source)).toBe(false)
  })
})
