import { createHash, randomBytes } from 'node:crypto'
import {
  derivedKeys,
  fixedKeys,
  generatedKeys,
  type KeyStore,
  parseGlobalKeys,
  saltedKeys,
} from '@y-sealed/key-endpoint'
import { describe, expect, it } from 'vitest'

const globalKeys = (...keys: Buffer[]) => parseGlobalKeys(keys.map((key) => key.toString('base64')).join('\n'))

/** What every store promises of the three ways of TinyMCE's page to make keys (T20 to T22), and of keys that an app makes. */
export function describeKeyMethods(empty: () => Promise<KeyStore>): void {
  describe('derived keys', () => {
    it('are rotated and kept like stored ones, each of its own salt, which is in no hint', async () => {
      const store = (await empty()).using(derivedKeys(globalKeys(randomBytes(32))))
      const first = await store.currentOrNew('doc-1')
      const second = await store.rotate('doc-1', first.keyHint)
      const other = await store.currentOrNew('doc-2')
      expect(new Set([first, second, other].map(({ key }) => key)).size).toBe(3)
      expect(first.key).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(await store.find('doc-1', first.keyHint)).toEqual({ ...first, active: false })
      expect(await store.find('doc-1', 'never issued')).toBeUndefined()
    })

    it('need both: neither the database nor the list opens anything alone', async () => {
      const [mine, theirs] = [randomBytes(32), randomBytes(32)]
      const store = await empty()
      const { keyHint } = await store.using(derivedKeys(globalKeys(mine))).currentOrNew('doc-1')
      for (const without of [store, store.using(derivedKeys(globalKeys(theirs)))]) {
        await expect(without.find('doc-1', keyHint)).rejects.toMatchObject({ code: 'global-key-missing' })
        await expect(without.checkOrigins()).rejects.toMatchObject({ code: 'global-key-missing' })
      }
    })

    it('outlive a new global key in front of the list, and a change to another way', async () => {
      const [old, young] = [randomBytes(32), randomBytes(32)]
      const store = await empty()
      const first = await store.using(derivedKeys(globalKeys(old))).currentOrNew('doc-1')
      const both = store.using(derivedKeys(globalKeys(young, old)))
      const second = await both.rotate('doc-1')
      expect(second.origin).not.toBe(first.origin)
      expect(await both.find('doc-1', first.keyHint)).toEqual({ ...first, active: false })
      const third = await both.using(saltedKeys).rotate('doc-1')
      expect(await both.find('doc-1', third.keyHint)).toEqual(third)
      expect((await both.using(saltedKeys).find('doc-1', second.keyHint))?.key).toBe(second.key)
    })

    it('are gone with their salt', async () => {
      const store = (await empty()).using(derivedKeys(globalKeys(randomBytes(32))))
      const first = await store.currentOrNew('doc-1')
      await store.rotate('doc-1')
      expect(await store.shred('doc-1', first.keyHint)).toMatchObject({ state: 'shredded' })
      expect(await store.find('doc-1', first.keyHint)).toBeUndefined()
    })
  })

  describe('salted keys', () => {
    it('follow from the document key and the hint alone, so that a backup of one key gives all of the document', async () => {
      const store = (await empty()).using(saltedKeys)
      const first = await store.currentOrNew('doc-1')
      const salt = createHash('sha256')
        .update('a hint that was given out after the backup')
        .digest('base64url')
        .slice(0, 22)
      const later = await store.find('doc-1', salt)
      expect(later).toMatchObject({ keyHint: salt, active: false, record: null })
      expect(later).not.toHaveProperty('epoch')
      expect(later?.key).not.toBe(first.key)
      expect(await store.find('doc-1', salt)).toEqual(later)
      expect(await store.find('doc-1', '')).toBeUndefined()
      expect(await store.find('doc-2', salt)).toBeUndefined()
    })

    it('are rotated: the new key does not follow from the old', async () => {
      const store = (await empty()).using(saltedKeys)
      const first = await store.currentOrNew('doc-1')
      const second = await store.rotate('doc-1', first.keyHint)
      expect(second.key).not.toBe(first.key)
      expect(await store.find('doc-1', first.keyHint)).toEqual({ ...first, active: false })
    })
  })

  describe('fixed keys', () => {
    it('are the same for null, for the empty hint and for any other', async () => {
      const store = (await empty()).using(fixedKeys)
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.currentOrNew('doc-1')))
      const [{ key } = { key: '' }] = answers
      for (const hint of ['', 'any', key.slice(0, 22)]) expect(await store.find('doc-1', hint)).toEqual(answers[0])
      expect(new Set(answers.map((answer) => answer.key))).toEqual(new Set([key]))
      expect((await store.currentOrNew('doc-2')).key).not.toBe(key)
      expect(await store.find('doc-3', '')).toBeUndefined()
    })

    it('stay, whatever is done, until the document is rotated in another way; then the empty hint still names the old one', async () => {
      const store = await empty()
      const fixed = store.using(fixedKeys)
      const first = await fixed.currentOrNew('doc-1')
      expect(await fixed.rotate('doc-1', '')).toEqual(first)
      expect(await fixed.deactivate('doc-1', '')).toMatchObject({ state: 'active' })
      expect(await fixed.deactivateAll()).toBe(0)
      const second = await store.rotate('doc-1', '')
      expect(second.key).not.toBe(first.key)
      expect(await store.find('doc-1', '')).toEqual({ ...first, active: false })
      expect(await store.find('doc-1', 'any')).toBeUndefined()
    })
  })

  describe('keys that an app makes', () => {
    it('are kept as they are; a missing hint is the empty one', async () => {
      const store = await empty()
      const made = store.using(generatedKeys((documentId) => ({ key: `🔑 of ${documentId}` })))
      expect(await made.currentOrNew('doc-1')).toMatchObject({ key: '🔑 of doc-1', keyHint: '' })
      expect(await store.find('doc-1', '')).toMatchObject({ key: '🔑 of doc-1' })
    })

    it.each([
      ['no key', {}],
      ['an empty key', { key: '' }],
      ['a hint of 257 units', { key: 'k', keyHint: 'h'.repeat(257) }],
    ])('with %s are refused, and nothing is kept', async (_what, made) => {
      const store = await empty()
      // What an app in JavaScript may do.
      const generate = generatedKeys(() => made as { key: string })
      await expect(store.using(generate).currentOrNew('doc-1')).rejects.toMatchObject({ code: 'malformed' })
      expect(await store.list('doc-1')).toEqual([])
    })

    it('under a hint that the document has had are refused: it names another key', async () => {
      const store = await empty()
      const generate = generatedKeys(() => ({ key: randomBytes(8).toString('hex'), keyHint: 'always' }))
      const first = await store.using(generate).currentOrNew('doc-1')
      await expect(store.using(generate).rotate('doc-1')).rejects.toMatchObject({ code: 'hint-taken' })
      expect(await store.find('doc-1', 'always')).toEqual(first)
    })
  })

  it('keys made elsewhere are added, active where none is, and never in place of another', async () => {
    const store = await empty()
    const [one, two] = [
      { keyHint: '2021-09-01', key: 'not a very secret 🔑', isActive: true },
      { keyHint: '', key: 'another', isActive: true },
    ]
    expect(await store.add('doc-1', one)).toBe('added')
    expect(await store.add('doc-1', two)).toBe('added')
    expect(await store.add('doc-1', one)).toBe('known')
    expect(await store.add('doc-1', { ...one, key: 'yet another' })).toBe('taken')
    expect(await store.current('doc-1')).toMatchObject({ key: one.key, keyHint: one.keyHint })
    expect(await store.find('doc-1', '')).toMatchObject({ key: 'another', active: false })
  })
}
