import type { KeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeKeyMethods } from './key-methods.contract.ts'
import { describeKeyRotation } from './key-rotation.contract.ts'

/** What every store of document keys promises. `open` gives an empty store; `reopen` the same one as a process finds it later. */
export interface KeyStoreUnderTest {
  open(): Promise<KeyStore>
  /** Absent where a store does not outlive its process. */
  reopen?(): Promise<KeyStore>
}

const RECORD = 'A'.repeat(43)

export function describeKeyStore(name: string, create: () => KeyStoreUnderTest): void {
  const opened = async (open: () => Promise<KeyStore>) => {
    const store = await open()
    onTestFinished(() => store.close())
    return store
  }
  const empty = () => opened(create().open)

  describe(`the ${name} key store`, () => {
    it('has nothing for a document it has not seen, and looking makes nothing', async () => {
      const store = await empty()
      expect(await store.current('doc-1')).toBeUndefined()
      expect(await store.find('doc-1', '')).toBeUndefined()
      expect(await store.current('doc-1')).toBeUndefined()
    })

    it('makes a first key of 256 bits, with a hint and a number that any record can hold', async () => {
      const issued = await (await empty()).currentOrNew('doc-1')
      expect(issued).toMatchObject({ active: true, record: null })
      expect(Number.isSafeInteger(issued.epoch + 1)).toBe(true)
      expect(issued.key).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(issued.keyHint).toMatch(/^[A-Za-z0-9_-]{22}$/)
    })

    it('gives that key for ever: to null, and to its hint', async () => {
      const store = await empty()
      const issued = await store.currentOrNew('doc-1')
      for (let time = 0; time < 100; time++) {
        expect(await store.currentOrNew('doc-1')).toEqual(issued)
        expect(await store.current('doc-1')).toEqual(issued)
        expect(await store.find('doc-1', issued.keyHint)).toEqual(issued)
      }
    })

    it('makes one key however many ask at once', async () => {
      const store = await empty()
      const issued = await Promise.all(Array.from({ length: 50 }, () => store.currentOrNew('doc-1')))
      expect(new Set(issued.map(({ key }) => key)).size).toBe(1)
      expect(new Set(issued.map(({ keyHint }) => keyHint)).size).toBe(1)
    })

    it('gives every document a key and a hint of its own', async () => {
      const store = await empty()
      const issued = await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.currentOrNew(`doc-${index}`)))
      expect(new Set(issued.map(({ key }) => key)).size).toBe(1_000)
      expect(new Set(issued.map(({ keyHint }) => keyHint)).size).toBe(1_000)
    })

    it('does not answer the hint of one document for another', async () => {
      const store = await empty()
      const { keyHint } = await store.currentOrNew('doc-1')
      await store.currentOrNew('doc-2')
      expect(await store.find('doc-2', keyHint)).toBeUndefined()
    })

    it('takes document ids as they are, byte for byte', async () => {
      const store = await empty()
      const ids = [
        'e\u0301',
        '\u00e9',
        'DOC',
        'doc',
        'doc ',
        '%',
        '_',
        "'; DROP TABLE document_keys; --",
        'a\0b',
        'a\0c',
        '🔑',
      ]
      const issued = await Promise.all(ids.map((id) => store.currentOrNew(id)))
      expect(new Set(issued.map(({ key }) => key)).size).toBe(ids.length)
      for (const [index, id] of ids.entries()) {
        expect(await store.find(id, issued[index]?.keyHint ?? '')).toEqual(issued[index])
      }
    })

    it('takes hints as they are, too: nothing like a pattern, nothing like the empty one', async () => {
      const store = await empty()
      const { keyHint } = await store.currentOrNew('doc-1')
      const swapped = keyHint.replace(/[a-z]/g, (letter) => letter.toUpperCase())
      for (const hint of [
        '',
        '%',
        '_',
        '*',
        `${keyHint} `,
        keyHint.slice(1),
        ...(swapped === keyHint ? [] : [swapped]),
      ]) {
        expect(await store.find('doc-1', hint), hint).toBeUndefined()
      }
    })

    describeKeyRotation(empty)
    describeKeyMethods(empty)

    if (!create().reopen) return

    it('has the same keys in its next life', async () => {
      const life = create()
      const first = await life.open()
      const issued = await Promise.all(['a', 'b', 'c'].map((id) => first.currentOrNew(id)))
      await first.close()
      const second = await opened(life.reopen ?? life.open)
      expect(await Promise.all(['a', 'b', 'c'].map((id) => second.currentOrNew(id)))).toEqual(issued)
    })

    it('has what was done to them in its next life', async () => {
      const life = create()
      const first = await life.open()
      const [shredded, old] = [await first.currentOrNew('doc-1'), await first.rotate('doc-1')]
      await first.keepRecord('doc-1', old.keyHint, RECORD)
      await first.rotate('doc-1', 'a hint it lost')
      await first.shred('doc-1', shredded.keyHint)
      const listed = await first.list('doc-1')
      expect(listed.map(({ state }) => state)).toEqual(['shredded', 'inactive', 'lost', 'active'])
      await first.close()
      expect(await (await opened(life.reopen ?? life.open)).list('doc-1')).toEqual(listed)
    })

    it('agrees with a second instance on the same data', async () => {
      const life = create()
      const first = await opened(life.open)
      const second = await opened(life.reopen ?? life.open)
      const ids = Array.from({ length: 50 }, (_, index) => `doc-${index}`)
      const [left, right] = await Promise.all(
        [first, second].map((store) => Promise.all(ids.map((id) => store.currentOrNew(id)))),
      )
      expect(left).toEqual(right)
    })

    it('gives all who leave a key the same other one, whichever instance they ask', async () => {
      const life = create()
      const stores = [await opened(life.open), await opened(life.reopen ?? life.open)]
      let { keyHint } = await stores[0]!.currentOrNew('doc-1')
      for (let round = 0; round < 10; round++) {
        const after = keyHint
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) => stores[index % 2]!.rotate('doc-1', after)),
        )
        expect(new Set(answers.map(({ key }) => key)).size).toBe(1)
        keyHint = answers[0]!.keyHint
        expect(keyHint).not.toBe(after)
      }
      expect(await stores[0]!.list('doc-1')).toHaveLength(11)
    })
  })
}
