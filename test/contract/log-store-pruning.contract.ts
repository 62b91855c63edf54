import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../server/relay/src/log/log-store.ts'
import { CheckpointedLog, DAY_MS, GRACE_MS, ROOM, SALT_MS } from './log-store-checkpoints-fixture.ts'
import { bytes, chunksOf } from './log-store-fixtures.ts'

const WEEK_MS = 7 * DAY_MS

/** What every store must do with what checkpoints and epochs replace. `open` gives an empty one that takes the time from `now`. */
export function describePruningOfLogStore(name: string, open: (now: () => number) => Promise<LogStore>): void {
  describe(`what a log store on ${name} deletes`, () => {
    let log: CheckpointedLog
    let store: LogStore

    beforeEach(async () => {
      log = new CheckpointedLog()
      store = await open(() => log.now)
      await log.begin(store)
    })
    afterEach(() => store.close())

    async function appended(runs: number): Promise<void> {
      for (let run = 0; run < runs; run++) await log.append('alice')
    }

    describe('within an epoch', () => {
      it('is what a base covers, when its time has come and not before', async () => {
        await appended(5)
        await log.compact('alice', 3)
        log.now += WEEK_MS - 1
        expect(await log.sweep(WEEK_MS)).toBe(1)
        expect(await log.kept()).toEqual(['1..5'])
        log.now += 1
        await log.sweep(WEEK_MS)
        expect(await log.kept()).toEqual(['4..5'])
        expect((await store.standing(ROOM)).pruned).toBe(3)
      })

      it('is the base before, too', async () => {
        await appended(5)
        const first = await log.compact('alice', 2)
        log.now += DAY_MS
        const second = await log.compact('alice', 4)
        log.now += WEEK_MS - 1
        await log.sweep(WEEK_MS)
        expect([await log.kept(), await log.names()]).toEqual([['3..5'], [first, second]])
        log.now += 1
        await log.sweep(WEEK_MS)
        expect([await log.kept(), await log.names()]).toEqual([['5..5'], [second]])
        expect(await store.checkpoint(ROOM, first, { first: 1, last: 1, maxBytes: 1 })).toBeUndefined()
        expect(await store.checkpoint(ROOM, second, { first: 1, last: 1, maxBytes: 1 })).toMatchObject({ total: 2 })
      })

      it('is nothing for a checkpoint that nobody has named, however long', async () => {
        await log.append('bob', 2)
        const chunk = await log.compact('alice', 2)
        log.now += 1_000 * DAY_MS
        await log.sweep('head')
        expect([await log.kept(), await log.names()]).toEqual([['1..2'], [chunk]])
      })

      it('is an unnamed checkpoint ten minutes after another one took its place, whatever the retention', async () => {
        await log.append('bob', 2)
        const first = await log.compact('alice', 1)
        const second = await log.compact('alice', 2)
        log.now += GRACE_MS - 1
        await log.sweep('all')
        expect(await log.names()).toEqual([first, second])
        log.now += 1
        await log.sweep('all')
        expect([await log.names(), await log.kept()]).toEqual([[second], ['1..2']])
      })

      it('is nothing else with the retention all', async () => {
        await appended(3)
        await log.compact('alice', 1)
        await log.compact('alice', 2)
        await log.rotate('bob')
        log.now += 10_000 * DAY_MS
        expect(await log.sweep('all')).toBe(1)
        expect(await log.kept()).toEqual(['1..3'])
      })

      it('is kept ten minutes for its readers even where nothing else is', async () => {
        await appended(3)
        await log.compact('alice', 2)
        log.now += GRACE_MS - 1
        await log.sweep('head')
        await log.sweep(0)
        expect(await log.kept()).toEqual(['1..3'])
        log.now += 1
        await log.sweep('head')
        expect(await log.kept()).toEqual(['3..3'])
      })

      it('waits for what an operator says today, not for what he said when it was replaced', async () => {
        await appended(3)
        await log.compact('alice', 2)
        log.now += WEEK_MS
        await log.sweep('all')
        expect(await log.kept()).toEqual(['1..3'])
        await log.sweep(DAY_MS)
        expect(await log.kept()).toEqual(['3..3'])
      })

      it('never cuts a run: one that goes beyond the checkpoint stays', async () => {
        await log.append('alice', 2)
        await log.append('alice', 4)
        await log.append('alice', 1)
        await log.compact('alice', 5)
        log.now += GRACE_MS
        await log.sweep('head')
        expect(await log.kept()).toEqual(['3..7'])
        expect((await store.standing(ROOM)).pruned).toBe(2)
        await log.compact('alice', 6)
        log.now += GRACE_MS
        await log.sweep('head')
        expect(await log.kept()).toEqual(['7..7'])
      })

      it('goes in steps, each of which leaves a log that can be read', async () => {
        await appended(600)
        await log.compact('alice', 600, chunksOf(40, 0))
        await appended(1)
        await log.compact('alice', 601)
        log.now += GRACE_MS
        let [before, steps] = [0, 0]
        while (await store.sweep(log.terms('head'))) {
          steps++
          const { pruned } = await store.standing(ROOM)
          expect(pruned).toBeGreaterThanOrEqual(before)
          expect(await store.isWhole(ROOM, pruned, 601)).toBe(true)
          expect(await log.kept()).toEqual(pruned < 601 ? [`${pruned + 1}..601`] : [])
          before = pruned
        }
        expect(steps).toBeGreaterThan(2)
        expect((await store.standing(ROOM)).pruned).toBe(601)
      })
    })

    describe('and what it still knows of it', () => {
      let hashes: (Uint8Array | undefined)[]

      beforeEach(async () => {
        await appended(6)
        hashes = await Promise.all(Array.from({ length: 7 }, (_, sequence) => store.hashAt(ROOM, sequence)))
        await log.compact('alice', 4)
        log.now += GRACE_MS
        await log.sweep('head')
      })

      it('is H where the gap ends and from there on, not before', async () => {
        const known = await Promise.all(Array.from({ length: 7 }, (_, sequence) => store.hashAt(ROOM, sequence)))
        expect(known).toEqual(hashes.map((hash, sequence) => (sequence < 4 ? undefined : hash)))
      })

      it('is that it is gone: what is read begins after it, and only that is whole', async () => {
        for (const after of [0, 2, 4]) expect((await store.read(ROOM, after, 1))[0]).toMatchObject({ first: 5 })
        expect((await store.read(ROOM, 5, 1))[0]).toMatchObject({ first: 6 })
        for (const [after, through, isWhole] of [
          [0, 6, false],
          [0, 1, false],
          [3, 4, false],
          [3, 5, false],
          [4, 6, true],
          [5, 5, true],
          [0, 0, true],
        ] as const) {
          expect(await store.isWhole(ROOM, after, through), `${after}..${through}`).toBe(isWhole)
        }
        expect(await store.isWhole('unknown', 0, 9)).toBe(true)
      })

      it('is H at the end when everything is gone, and the log goes on from there', async () => {
        await log.compact('alice', 6)
        log.now += GRACE_MS
        await log.sweep('head')
        expect(await log.kept()).toEqual([])
        expect(await store.hashAt(ROOM, 6)).toEqual(hashes[6])
        expect(await store.head(ROOM)).toMatchObject({ sequence: 6, hash: hashes[6] })
        await log.append('alice')
        expect((await store.read(ROOM, 6, 1))[0]).toMatchObject({ first: 7, hashBefore: hashes[6] })
        await log.compact('alice', 7)
      })

      it('is the end of an epoch that is gone', async () => {
        await log.rotate('alice')
        await log.append('alice')
        log.now += GRACE_MS
        await log.sweep('head')
        expect([await store.hashAt(ROOM, 6), await store.hashAt(ROOM, 5)]).toEqual([hashes[6], undefined])
      })
    })

    describe('of old epochs', () => {
      beforeEach(async () => {
        await appended(4)
        await log.compact('alice', 2)
        await log.rotate('alice')
        await appended(4)
        await log.compact('alice', 7)
        await log.rotate('alice')
        await appended(1)
      })

      it('is what was replaced within them, with a duration: base and end are kept for ever', async () => {
        log.now += 1_000 * DAY_MS
        await log.sweep(WEEK_MS)
        expect(await log.kept()).toEqual(['3..4', '8..9'])
        expect((await store.standing(ROOM)).pruned).toBe(7)
        expect(await store.isWhole(ROOM, 2, 4)).toBe(true)
        expect(await store.isWhole(ROOM, 2, 5)).toBe(false)
        const known = await Promise.all([4, 5, 6, 7].map((sequence) => store.hashAt(ROOM, sequence)))
        expect(known.map((hash) => hash !== undefined)).toEqual([true, false, false, true])
        const { after } = await store.records(ROOM, undefined)
        const bases = await Promise.all(after.map(({ hash }) => log.names(hash)))
        expect(bases.map(({ length }) => length)).toEqual([1, 1, 1])
      })

      it('is all of them where only the head is kept, ten minutes after the next one was opened', async () => {
        log.now += GRACE_MS - 1
        await log.sweep('head')
        expect(await log.kept()).toEqual(['1..9'])
        log.now += 1
        await log.sweep('head')
        expect(await log.kept()).toEqual(['9..9'])
        expect((await store.standing(ROOM)).pruned).toBe(8)
        const { after } = await store.records(ROOM, undefined)
        expect(after.map(({ index }) => index)).toEqual([0, 1, 2])
        const bases = await Promise.all(after.map(({ hash }) => log.names(hash)))
        expect(bases.map(({ length }) => length)).toEqual([0, 0, 1])
      })

      it('is read around: no piece of the log reaches over a gap', async () => {
        log.now += WEEK_MS
        await log.sweep(WEEK_MS)
        const runs = await store.read(ROOM, 2, 1e9)
        expect(runs.map(({ first }) => first)).toEqual([3, 4])
      })
    })

    describe('of salts', () => {
      const used = () => bytes(16)

      /** Whether another session may use this salt as its own. */
      async function isForgotten(salt: Uint8Array): Promise<boolean> {
        const request = log.request('bob')
        const runs = request.runs.map((run) => ({ ...run, salt, firstCounter: 1 }))
        return (await store.append({ ...request, runs })).stored
      }

      it('are those whose last entry is gone', async () => {
        const salt = log.saltOf('alice')
        await appended(2)
        await log.compact('alice', 2)
        log.now += SALT_MS
        expect(await isForgotten(salt)).toBe(false)
        await log.sweep('head')
        expect(await isForgotten(salt)).toBe(true)
      })

      it('are not those of which an entry is kept', async () => {
        const salt = log.saltOf('alice')
        await appended(3)
        await log.compact('alice', 2)
        log.now += SALT_MS
        await log.sweep('head')
        expect(await isForgotten(salt)).toBe(false)
      })

      it('are not those in use: who pauses for a coffee goes on where he stopped', async () => {
        await appended(2)
        await log.compact('alice', 2)
        log.now += GRACE_MS
        await log.sweep('head')
        expect(await log.kept()).toEqual([])
        await appended(1)
        expect(await log.kept()).toEqual(['3..3'])
      })

      it('are those of checkpoints that are gone', async () => {
        const salt = used()
        await appended(3)
        await log.compact('alice', 1, chunksOf(2, 0, salt))
        await log.compact('alice', 2)
        expect(await isForgotten(salt)).toBe(false)
        log.now += GRACE_MS
        await log.sweep('head')
        expect(await isForgotten(salt)).toBe(true)
      })
    })

    describe('is counted: usage', () => {
      it('of an unknown room is nothing', async () => {
        const nothing = {
          entries: 0,
          entryBytes: 0,
          checkpointBytes: 0,
          historyEntries: 0,
          historyBytes: 0,
          records: 0,
        }
        expect(await store.usage('unknown')).toEqual(nothing)
      })

      it('tells what stands since the base from what is left of before', async () => {
        await appended(5)
        const { entryBytes: all } = await store.usage(ROOM)
        expect(all).toBeGreaterThan(5 * 40)
        await log.compact('alice', 3)
        const after = { entries: 2, checkpointBytes: 200, historyEntries: 3, records: 1 }
        expect(await store.usage(ROOM)).toEqual({ ...after, entryBytes: (all / 5) * 2, historyBytes: (all / 5) * 3 })
        log.now += GRACE_MS
        await log.sweep('head')
        const swept = { historyEntries: 0, historyBytes: 0, entryBytes: (all / 5) * 2 }
        expect(await store.usage(ROOM)).toEqual({ ...after, ...swept })
      })

      it('counts the newest beside its base, and drafts and old epochs as history', async () => {
        await log.append('bob', 4)
        await log.compact('alice', 1)
        await log.compact('alice', 2)
        expect(await store.usage(ROOM)).toMatchObject({
          entries: 4,
          checkpointBytes: 200,
          historyEntries: 0,
          historyBytes: 200,
        })
        await log.rotate('bob', chunksOf(5, 1))
        expect(await store.usage(ROOM)).toMatchObject({
          entries: 0,
          entryBytes: 0,
          checkpointBytes: 500,
          historyEntries: 4,
          records: 2,
        })
      })
    })
  })
}
