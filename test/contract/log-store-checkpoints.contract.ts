import { startHash } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../server/relay/src/log/log-store.ts'
import { CheckpointedLog, DAY_MS, ROOM } from './log-store-checkpoints-fixture.ts'
import { bytes, chunksOf, nameOf } from './log-store-fixtures.ts'

/** What every store must do for checkpoints between rotations. `open` gives an empty one that takes the time from `now`. */
export function describeCheckpointsOfLogStore(name: string, open: (now: () => number) => Promise<LogStore>): void {
  describe(`checkpoints of the log store on ${name}`, () => {
    let log: CheckpointedLog

    beforeEach(async () => {
      log = new CheckpointedLog()
      await log.begin(await open(() => log.now))
    })
    afterEach(() => log.store.close())

    describe('compacting', () => {
      beforeEach(async () => {
        await log.append('alice', 3)
        await log.append('bob', 2)
      })

      it('stores a checkpoint at its place, of which any stretch is then read, and ends the lease', async () => {
        expect(await log.store.standing(ROOM)).toEqual({ pruned: 0 })
        await log.lease('alice')
        const chunks = chunksOf(3, 0)
        const request = await log.compaction('alice', 4, chunks)
        const place = { checkpoint: nameOf(chunks), sequence: 4, hash: request.hash, bytes: 300 }
        expect(await log.store.compact(request)).toEqual({ stored: true, place })
        expect(await log.store.standing(ROOM)).toEqual({ pruned: 0, newest: place })
        expect(await log.store.places(ROOM, log.head.hash)).toEqual([place])
        const read = await log.store.checkpoint(ROOM, place.checkpoint, { first: 2, last: 9, maxBytes: 1e6 })
        expect(read).toEqual({ total: 3, chunks: chunks.slice(1).map(({ envelope }) => envelope) })
        expect(await log.lease('bob')).toEqual({ granted: true })
      })

      it('needs the lease, for a checkpoint, of this session', async () => {
        const request = await log.compaction('alice', 4)
        expect(await log.store.compact(request)).toEqual({ stored: false, code: 'busy' })
        await log.lease('alice', 'rotate')
        expect(await log.store.compact(request)).toEqual({ stored: false, code: 'busy' })
        await log.store.release(ROOM, 1)
        await log.lease('bob')
        expect(await log.store.compact(request)).toEqual({ stored: false, code: 'busy' })
        await log.store.release(ROOM, 2)
        await log.lease('alice')
        log.now += 60_000
        expect(await log.store.compact(request)).toEqual({ stored: false, code: 'busy' })
      })

      it('is refused where the log or the newest checkpoint is another, and has then stored nothing', async () => {
        await log.lease('alice')
        const good = await log.compaction('alice', 4)
        for (const wrong of [{ hash: bytes(32) }, { sequence: 3 }, { sequence: 6 }, { previous: bytes(32) }]) {
          expect(await log.store.compact({ ...good, ...wrong })).toEqual({ stored: false, code: 'stale-checkpoint' })
        }
        expect(await log.store.standing(ROOM)).toEqual({ pruned: 0 })
        expect(await log.store.compact(good)).toMatchObject({ stored: true })
      })

      it('covers something: neither the start of an epoch nor a beginning of what the newest covers', async () => {
        await log.lease('alice')
        const start = { sequence: 0, hash: startHash(log.head.hash) }
        const code = 'stale-checkpoint'
        expect(await log.store.compact({ ...(await log.compaction('alice', 4)), ...start })).toMatchObject({ code })
        await log.compact('alice', 4)
        await log.lease('alice')
        for (const sequence of [3, 4]) {
          expect(await log.store.compact(await log.compaction('alice', sequence))).toMatchObject({ code })
        }
        await log.compact('alice', 5)
        await log.rotate('alice')
        await log.lease('alice')
        const end = await log.compaction('alice', 5)
        expect(await log.store.compact(end)).toMatchObject({ code })
        const { hash } = await log.store.head(ROOM)
        expect(await log.store.compact({ ...end, hash })).toMatchObject({ code })
      })

      it('follows the newest by name: who made his from an older one is refused', async () => {
        await log.lease('alice')
        const late = await log.compaction('alice', 5)
        await log.compact('alice', 4)
        await log.lease('alice')
        expect(await log.store.compact(late)).toEqual({ stored: false, code: 'stale-checkpoint' })
        expect(await log.store.compact({ ...late, previous: await log.newest() })).toMatchObject({ stored: true })
      })

      it('for another epoch than the head is stale, and the head record comes along', async () => {
        await log.lease('alice')
        const late = await log.compaction('alice', 4)
        await log.rotate('bob')
        const refused = { stored: false, code: 'stale-epoch', record: log.head.bytes }
        expect(await log.store.compact(late)).toEqual(refused)
        expect(await log.store.compact({ ...late, room: 'unknown' })).toEqual({ stored: false, code: 'stale-epoch' })
      })

      it('under a salt that was used is out of order, and nobody goes on under the one of a checkpoint', async () => {
        await log.lease('alice')
        const used = await log.compaction('alice', 4, chunksOf(2, 0, log.saltOf('bob')))
        expect(await log.store.compact(used)).toEqual({ stored: false, code: 'out-of-order' })
        const its = bytes(16)
        await log.compact('alice', 4, chunksOf(2, 0, its))
        const append = log.request('alice')
        const runs = append.runs.map((run) => ({ ...run, salt: its, firstCounter: 3 }))
        expect(await log.store.append({ ...append, runs })).toEqual({ stored: false, code: 'out-of-order' })
      })

      it('of two at once one is stored', async () => {
        await log.lease('alice')
        const both = [await log.compaction('alice', 4), await log.compaction('alice', 5)]
        const results = await Promise.all(both.map((request) => log.store.compact(request)))
        expect(results).toMatchObject([{ stored: true }, { stored: false, code: 'busy' }])
        expect(await log.names()).toHaveLength(1)
      })

      it('beside appends changes nothing for them', async () => {
        await log.lease('alice')
        const request = await log.compaction('alice', 5)
        const [before, compacted, after] = await Promise.all([
          log.store.append(log.request('bob')),
          log.store.compact(request),
          log.store.append(log.request('bob')),
        ])
        expect([before.stored, compacted.stored, after.stored]).toEqual([true, true, true])
        expect((await log.store.head(ROOM)).sequence).toBe(7)
      })
    })

    describe('a rotation and a compaction', () => {
      beforeEach(() => log.append('alice', 3))

      it('the lease to rotate is granted over that for a checkpoint, whose holder is then refused', async () => {
        await log.lease('alice')
        const request = await log.compaction('alice', 3)
        expect(await log.lease('bob', 'rotate')).toEqual({ granted: true })
        expect(await log.store.compact(request)).toEqual({ stored: false, code: 'busy' })
        expect(await log.store.renew({ room: ROOM, session: 1, leaseMs: 60_000 })).toBe(false)
      })

      it('never the other way round', async () => {
        await log.lease('alice', 'rotate')
        expect(await log.lease('bob')).toEqual({ granted: false, code: 'busy' })
        expect(await log.lease('bob', 'rotate')).toEqual({ granted: false, code: 'busy' })
      })

      it('an epoch begins with its own checkpoint as base and newest, or with none', async () => {
        await log.compact('alice', 3)
        const chunks = chunksOf(2, 1)
        await log.rotate('bob', chunks)
        const place = { checkpoint: nameOf(chunks), sequence: 3, hash: startHash(log.head.hash), bytes: 200 }
        expect(await log.store.standing(ROOM)).toEqual({ pruned: 0, newest: place, base: place })
        await log.rotate('bob', [])
        expect(await log.store.standing(ROOM)).toEqual({ pruned: 0 })
      })
    })

    describe('naming', () => {
      async function byTwo(): Promise<Uint8Array> {
        await log.append('bob', 2)
        await log.append('alice', 2)
        return await log.compact('alice', 4)
      }

      it('is not needed where all entries since the base are the author’s own', async () => {
        await log.append('alice', 3)
        const first = await log.compact('alice', 2)
        expect(await log.base()).toEqual(first)
        await log.append('bob')
        await log.append('alice')
        const second = await log.compact('alice', 5)
        expect([await log.base(), await log.newest()]).toEqual([first, second])
      })

      it('is needed again only for what others have written since the base', async () => {
        const named = await byTwo()
        await log.append('bob', 1, named)
        expect(await log.base()).toEqual(named)
        await log.append('alice')
        // Bob's witness stands behind the base.
        const second = await log.compact('alice', 6)
        expect(await log.base()).toEqual(named)
        await log.append('bob', 1, second)
        const third = await log.compact('bob', 7)
        expect(await log.base()).toEqual(third)
      })

      it('counts entries of the epoch before only before its checkpoint', async () => {
        await log.append('bob', 2)
        await log.rotate('alice')
        await log.append('alice', 2)
        const own = await log.compact('alice', 4)
        expect(await log.base()).toEqual(own)
      })

      it('by another subject counts at once', async () => {
        const named = await byTwo()
        expect(await log.base()).toBeUndefined()
        await log.append('bob', 1, named)
        expect([await log.base(), await log.newest()]).toEqual([named, named])
      })

      it('by its author counts a day later and no sooner', async () => {
        const named = await byTwo()
        log.now += DAY_MS
        await log.append('alice', 1, named)
        expect(await log.base()).toBeUndefined()
        log.now += 1
        await log.append('alice', 1, named)
        expect(await log.base()).toEqual(named)
      })

      it('of another than the newest has no effect, and the append is stored', async () => {
        const former = await byTwo()
        await log.append('bob')
        const later = await log.compact('bob', 5)
        for (const other of [bytes(32), former]) await log.append('alice', 1, other)
        expect([await log.base(), await log.newest()]).toEqual([undefined, later])
        expect((await log.store.head(ROOM)).sequence).toBe(7)
      })

      it('by an append that is refused has no effect', async () => {
        const named = await byTwo()
        const request = log.request('bob', 1, named)
        const runs = request.runs.map((run) => ({ ...run, firstCounter: 9 }))
        expect(await log.store.append({ ...request, runs })).toMatchObject({ code: 'out-of-order' })
        const two = [...log.request('bob').runs, ...runs]
        expect(await log.store.append({ ...request, runs: two })).toMatchObject({ code: 'out-of-order' })
        expect(await log.base()).toBeUndefined()
      })

      it('an unnamed checkpoint takes the place of an unnamed one, never of the base', async () => {
        await log.append('alice', 2)
        const base = await log.compact('alice', 1)
        await log.append('bob')
        const first = await log.compact('alice', 2)
        const second = await log.compact('bob', 3)
        expect([await log.base(), await log.newest()]).toEqual([base, second])
        expect(await log.names()).toEqual([base, first, second])
      })
    })
  })
}
