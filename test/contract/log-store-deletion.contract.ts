import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../server/relay/src/log/log-store.ts'
import { sweepTerms } from '../../server/relay/src/log/retention.ts'
import { bytes, chunksOf, expectStored, record, run } from './log-store-fixtures.ts'

const ALICE = { session: 1, subject: 'alice' }
const KEEP_ALL = sweepTerms('all', { pruneGraceMs: 0, saltMs: 0 })

/** What every store must do with a document that an operator deletes. `open` gives an empty one. */
export function describeDeletionOfLogStore(name: string, open: () => Promise<LogStore>): void {
  describe(`a deleted document in a log store on ${name}`, () => {
    let store: LogStore
    const room = 'a room'
    const first = record()

    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    async function write(to: string, entries: number): Promise<void> {
      const made = { room: to, ...ALICE, record: first, replaces: undefined }
      expectStored(await store.open({ ...made, runs: [], chunks: chunksOf(20, 0) }))
      const salt = bytes(16)
      for (let counter = 1; counter <= entries; counter++) {
        expectStored(await store.append({ room: to, ...ALICE, runs: [run(salt, counter)] }))
      }
    }

    async function sweepAll(): Promise<void> {
      while (await store.sweep(KEEP_ALL));
    }

    it('is an empty room at once, before anything was swept', async () => {
      await write(room, 3)
      expect(await store.isDeleted(room)).toBe(false)
      expect(await store.delete(room)).toBe(true)
      expect(await store.isDeleted(room)).toBe(true)
      expect(await store.head(room)).toEqual({ sequence: 0, hash: new Uint8Array(32) })
      expect(await store.read(room, 0, 1e9)).toEqual([])
      expect(await store.records(room, first.hash)).toEqual({ after: [] })
      expect(await store.standing(room)).toEqual({ pruned: 0 })
      expect(await store.hashAt(room, 1)).toBeUndefined()
      expect(await store.keptEpochs(room)).toEqual([])
      expect(await store.usage(room)).toMatchObject({ entries: 0, historyBytes: 0, records: 0 })
    })

    it('takes nothing any more: neither what its members append, nor a first epoch', async () => {
      await write(room, 1)
      await store.delete(room)
      expect(await store.append({ room, ...ALICE, runs: [run(bytes(16), 1)] })).toMatchObject({ stored: false })
      const again = { room, ...ALICE, runs: [], chunks: [], record: record(), replaces: undefined }
      expect(await store.open(again)).toMatchObject({ stored: false })
      expect(await store.lease({ room, session: 1, purpose: 'rotate', head: first.hash, leaseMs: 1 })).toMatchObject({
        granted: false,
      })
      await sweepAll()
      expect(await store.open(again)).toMatchObject({ stored: false })
    })

    it('that was never written is deleted all the same: nobody can make it any more', async () => {
      expect(await store.delete(room)).toBe(true)
      expect(await store.delete(room)).toBe(false)
      expect(await store.isDeleted(room)).toBe(true)
      const made = { room, ...ALICE, runs: [], chunks: [], record: record(), replaces: undefined }
      expect(await store.open(made)).toMatchObject({ stored: false })
    })

    it('goes in steps, and leaves the others as they are', async () => {
      await write(room, 600)
      await write('another', 3)
      const before = await store.usage('another')
      await store.delete(room)
      let steps = 0
      while (await store.sweep(KEEP_ALL)) steps++
      // 256 runs a step, and 16 chunks.
      expect(steps).toBeGreaterThan(3)
      expect(await store.usage('another')).toEqual(before)
      expect(await store.read('another', 0, 1e9)).toHaveLength(3)
      expectStored(await store.append({ room: 'another', ...ALICE, runs: [run(bytes(16), 1)] }))
    })

    it('the epochs that are kept tell which keys are needed', async () => {
      await write(room, 2)
      expect(await store.keptEpochs(room)).toEqual([{ index: 0, keyHint: null, isNeeded: true }])
    })
  })
}
