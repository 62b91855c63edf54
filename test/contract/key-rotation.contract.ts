import type { KeyEntry, KeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, vi } from 'vitest'

const RECORD = 'A'.repeat(43)
const OTHER_RECORD = `B${'A'.repeat(42)}`

/** What every store of document keys promises of the life of a key. `empty` gives an empty store. */
export function describeKeyRotation(empty: () => Promise<KeyStore>): void {
  const states = (entries: KeyEntry[]) => entries.map(({ keyHint, state }) => [keyHint, state])

  describe('rotation', () => {
    it('puts a key of a higher number in place of the current one, which is answered as before, but not active', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      const second = await store.rotate('doc-1')
      expect(second.key).not.toBe(first.key)
      expect(second.epoch).toBeGreaterThan(first.epoch)
      expect(second).toMatchObject({ active: true, record: null })
      expect(await store.current('doc-1')).toEqual(second)
      expect(await store.currentOrNew('doc-1')).toEqual(second)
      expect(await store.find('doc-1', first.keyHint)).toEqual({ ...first, active: false })
    })

    it('touches no other document', async () => {
      const store = await empty()
      const other = await store.currentOrNew('doc-2')
      await store.currentOrNew('doc-1')
      await store.rotate('doc-1')
      await store.rotate('doc-1', other.keyHint)
      expect(await store.current('doc-2')).toEqual(other)
    })

    it('away from a hint gives all twenty who ask at once the same key', async () => {
      const store = await empty()
      const { keyHint } = await store.currentOrNew('doc-1')
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.rotate('doc-1', keyHint)))
      expect(new Set(answers.map(({ keyHint }) => keyHint)).size).toBe(1)
      expect(answers[0]?.keyHint).not.toBe(keyHint)
      expect(await store.list('doc-1')).toHaveLength(2)
    })

    it('away from an old hint makes nothing: the current key is newer', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      await store.rotate('doc-1', first.keyHint)
      const third = await store.rotate('doc-1')
      expect(await store.rotate('doc-1', first.keyHint)).toEqual(third)
      expect(await store.current('doc-1', first.keyHint)).toEqual(third)
      expect(await store.current('doc-1', third.keyHint)).toBeUndefined()
    })

    it('away from a hint that it does not know makes one key for all who leave it, and never answers that hint', async () => {
      const store = await empty()
      const stale = await store.currentOrNew('doc-1')
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.rotate('doc-1', 'a hint it lost')))
      expect(new Set(answers.map(({ keyHint }) => keyHint)).size).toBe(1)
      expect(answers[0]?.keyHint).not.toBe(stale.keyHint)
      expect(await store.find('doc-1', 'a hint it lost')).toBeUndefined()
      expect(await store.current('doc-1', 'a hint it lost')).toEqual(answers[0])
      expect((await store.list('doc-1')).map(({ state }) => state)).toEqual(['inactive', 'lost', 'active'])
    })

    it('of a document that was lost with its hint makes it a first key', async () => {
      const store = await empty()
      const issued = await store.rotate('doc-1', '')
      expect(await store.current('doc-1')).toEqual(issued)
      expect(await store.find('doc-1', '')).toBeUndefined()
    })

    it('numbers on when the clock goes back, and by the clock when it does not', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 0) })
      try {
        const store = await empty()
        const first = await store.currentOrNew('doc-1')
        vi.setSystemTime(Date.UTC(2020, 0))
        const second = await store.rotate('doc-1')
        expect(second.epoch).toBe(first.epoch + 1)
        vi.setSystemTime(Date.UTC(2031, 0))
        expect((await store.rotate('doc-1')).epoch).toBeGreaterThan(second.epoch + 1_000_000)
      } finally {
        vi.useRealTimers()
      }
    })
  })

  describe('a record hash', () => {
    it('is kept, the first per hint, and comes with the key', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      expect(await store.keepRecord('doc-1', first.keyHint, RECORD)).toEqual({ ...first, record: RECORD })
      expect(await store.keepRecord('doc-1', first.keyHint, OTHER_RECORD)).toEqual({ ...first, record: RECORD })
      expect(await store.current('doc-1')).toEqual({ ...first, record: RECORD })
      const second = await store.rotate('doc-1')
      expect(second.record).toBe(null)
      await store.keepRecord('doc-1', second.keyHint, OTHER_RECORD)
      expect((await store.find('doc-1', first.keyHint))?.record).toBe(RECORD)
      expect((await store.find('doc-1', second.keyHint))?.record).toBe(OTHER_RECORD)
    })

    it('of a hint that was never issued is not kept', async () => {
      const store = await empty()
      expect(await store.keepRecord('doc-1', 'never issued', RECORD)).toBeUndefined()
      expect(await store.list('doc-1')).toEqual([])
    })
  })

  describe('deactivating', () => {
    it('leaves the key readable; the next who needs one makes a new one', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      expect(await store.deactivate('doc-1', first.keyHint)).toMatchObject({ state: 'inactive' })
      expect(await store.current('doc-1')).toBeUndefined()
      expect(await store.find('doc-1', first.keyHint)).toEqual({ ...first, active: false })
      const answers = await Promise.all([store.currentOrNew('doc-1'), store.rotate('doc-1', first.keyHint)])
      expect(new Set(answers.map(({ keyHint }) => keyHint)).size).toBe(1)
      expect(answers[0]?.epoch).toBeGreaterThan(first.epoch)
    })

    it('an old key, or one that was never issued, changes nothing', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      const second = await store.rotate('doc-1')
      expect(await store.deactivate('doc-1', first.keyHint)).toMatchObject({ state: 'inactive' })
      expect(await store.deactivate('doc-1', 'never issued')).toBeUndefined()
      expect(await store.deactivate('doc-2', second.keyHint)).toBeUndefined()
      expect(await store.current('doc-1')).toEqual(second)
    })

    it('all keys of all documents says how many there were', async () => {
      const store = await empty()
      const issued = await Promise.all(['a', 'b', 'c'].map((id) => store.currentOrNew(id)))
      await store.rotate('c')
      expect(await store.deactivateAll()).toBe(3)
      expect(await store.deactivateAll()).toBe(0)
      expect(await store.current('a')).toBeUndefined()
      expect((await store.find('a', issued[0]!.keyHint))?.key).toBe(issued[0]?.key)
      expect(await store.documents()).toEqual(['a', 'b', 'c'])
    })
  })

  describe('shredding', () => {
    it('makes a key unknown for ever, and gives its hint and number to no other', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      const second = await store.rotate('doc-1')
      expect(await store.shred('doc-1', first.keyHint)).toMatchObject({ state: 'shredded', epoch: first.epoch })
      for (let time = 0; time < 3; time++) {
        expect(await store.find('doc-1', first.keyHint)).toBeUndefined()
        expect(await store.keepRecord('doc-1', first.keyHint, RECORD)).toBeUndefined()
        await store.deactivate('doc-1', first.keyHint)
        await store.shred('doc-1', first.keyHint)
      }
      expect(states(await store.list('doc-1'))).toEqual([
        [first.keyHint, 'shredded'],
        [second.keyHint, 'active'],
      ])
      // Who still has the shredded key and leaves it is given the current one.
      expect(await store.rotate('doc-1', first.keyHint)).toEqual(second)
    })

    it('leaves the active key alone, and knows nothing of one that was never issued', async () => {
      const store = await empty()
      const first = await store.currentOrNew('doc-1')
      expect(await store.shred('doc-1', first.keyHint)).toMatchObject({ state: 'active' })
      expect(await store.shred('doc-2', first.keyHint)).toBeUndefined()
      expect(await store.current('doc-1')).toEqual(first)
    })
  })

  it('a list has no key in it', async () => {
    const store = await empty()
    const keys = [await store.currentOrNew('doc-1'), await store.rotate('doc-1')].map(({ key }) => key)
    const listed = await store.list('doc-1')
    expect(listed.map((entry) => Object.keys(entry).sort())).toEqual(
      Array(2).fill(['createdMs', 'epoch', 'keyHint', 'record', 'state']),
    )
    for (const key of keys) expect(JSON.stringify(listed)).not.toContain(key)
    expect(await store.list('doc-2')).toEqual([])
  })
}
