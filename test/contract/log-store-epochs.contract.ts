import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore, OpenRequest } from '../../server/relay/src/log/log-store.ts'
import { bytes, chunksOf, expectStored, nameOf, record, run } from './log-store-fixtures.ts'

const ALICE = 1
const BOB = 2
const LEASE_MS = 60_000
const PAUSE_MS = 5_000
const AGAIN_MS = 30_000

/** What every store must do for epochs that follow each other. `open` gives an empty one that takes the time from `now`. */
export function describeEpochsOfLogStore(name: string, open: (now: () => number) => Promise<LogStore>): void {
  describe(`epochs of the log store on ${name}`, () => {
    let store: LogStore
    let now: number
    const room = 'a room'
    const first = record()

    beforeEach(async () => {
      now = Date.UTC(2030, 0, 1)
      store = await open(() => now)
      expectStored(
        await store.open({
          room,
          session: ALICE,
          subject: 'alice',
          runs: [],
          record: first,
          replaces: undefined,
          chunks: [],
        }),
      )
    })
    afterEach(() => store.close())

    function lease(session = ALICE) {
      return store.lease({ room, session, purpose: 'rotate', head: first.hash, leaseMs: LEASE_MS })
    }

    const pause = (session = ALICE) => store.pause({ room, session, pauseMs: PAUSE_MS, againMs: AGAIN_MS })

    /** An open that replaces the head as it is now, but for what `fields` say. */
    async function replacing(fields: Partial<OpenRequest> = {}): Promise<OpenRequest> {
      const { sequence, hash, record: head } = await store.head(room)
      const replaces = { record: head?.hash ?? bytes(32), sequence, hash }
      return { room, session: ALICE, subject: 'alice', runs: [], record: record(1), replaces, chunks: [], ...fields }
    }

    describe('a lease', () => {
      it('is one: who comes second is told that somebody is busy, whoever asks again gets its own anew', async () => {
        expect(await lease(ALICE)).toEqual({ granted: true })
        expect(await lease(BOB)).toEqual({ granted: false, code: 'busy' })
        expect(await lease(ALICE)).toEqual({ granted: true })
      })

      it('of two at once one gets it', async () => {
        const both = await Promise.all([lease(ALICE), lease(BOB)])
        expect(both.map(({ granted }) => granted)).toEqual([true, false])
      })

      it('names the head: for another one it is stale, and the head record comes along', async () => {
        const request = { room, session: ALICE, purpose: 'rotate', head: bytes(32), leaseMs: LEASE_MS } as const
        expect(await store.lease(request)).toEqual({ granted: false, code: 'stale-epoch', record: first.bytes })
        expect(await store.lease({ ...request, room: 'unknown' })).toEqual({ granted: false, code: 'stale-epoch' })
      })

      it('runs out, and what its holder then does is refused', async () => {
        await lease(ALICE)
        now += LEASE_MS - 1
        expect(await lease(BOB)).toMatchObject({ code: 'busy' })
        now += 1
        expect(await store.renew({ room, session: ALICE, leaseMs: LEASE_MS })).toBe(false)
        expect(await pause(ALICE)).toMatchObject({ code: 'busy' })
        expect(await store.open(await replacing())).toEqual({ stored: false, code: 'busy' })
        expect(await lease(BOB)).toEqual({ granted: true })
      })

      it('is renewed, by its holder only', async () => {
        await lease(ALICE)
        now += LEASE_MS - 1
        expect(await store.renew({ room, session: BOB, leaseMs: LEASE_MS })).toBe(false)
        expect(await store.renew({ room, session: ALICE, leaseMs: LEASE_MS })).toBe(true)
        now += LEASE_MS - 1
        expect(await lease(BOB)).toMatchObject({ code: 'busy' })
      })

      it('is released by its holder only', async () => {
        await lease(ALICE)
        await store.release(room, BOB)
        expect(await lease(BOB)).toMatchObject({ code: 'busy' })
        await store.release(room, ALICE)
        expect(await lease(BOB)).toEqual({ granted: true })
        await store.release('unknown', ALICE)
      })

      it('for a checkpoint opens no epoch and pauses nobody', async () => {
        await store.lease({ room, session: ALICE, purpose: 'checkpoint', head: first.hash, leaseMs: LEASE_MS })
        expect(await pause(ALICE)).toMatchObject({ code: 'busy' })
        expect(await store.open(await replacing())).toMatchObject({ code: 'busy' })
      })
    })

    describe('a pause', () => {
      const salt = bytes(16)
      const append = (counter: number) =>
        store.append({ room, session: BOB, subject: 'bob', runs: [run(salt, counter)] })

      beforeEach(async () => {
        await lease(ALICE)
      })

      it('[M3] names the head with everything in it that came before, and nothing comes after', async () => {
        const [before, paused, after] = await Promise.all([append(1), pause(), append(2)])
        const { sequence, hash } = expectStored(before)
        expect(paused).toEqual({ granted: true, sequence, hash })
        expect(after).toEqual({ stored: false, code: 'paused' })
        expect(await store.head(room)).toMatchObject({ sequence, hash })
      })

      it('[M1] ends by itself, and the refused append is then stored as it was', async () => {
        await pause()
        now += PAUSE_MS - 1
        expect(await append(1)).toMatchObject({ code: 'paused' })
        now += 1
        expectStored(await append(1))
      })

      it('ends with release', async () => {
        await pause()
        await store.release(room, ALICE)
        expectStored(await append(1))
      })

      it('ends with the new epoch', async () => {
        await pause()
        expectStored(await store.open(await replacing()))
        expectStored(await store.append({ room, session: BOB, subject: 'bob', runs: [run(salt, 1, 1, 1)] }))
      })

      it('that ran out comes again after 30 s, also under another lease of the session', async () => {
        await pause()
        now += PAUSE_MS + AGAIN_MS - 1
        expect(await pause()).toEqual({ granted: false, code: 'limit' })
        await store.release(room, ALICE)
        await lease(ALICE)
        expect(await pause()).toEqual({ granted: false, code: 'limit' })
        now += 1
        expect(await pause()).toMatchObject({ granted: true })
      })

      it('of one that failed holds nobody else back', async () => {
        await pause()
        await store.release(room, ALICE)
        await lease(BOB)
        expect(await pause(BOB)).toMatchObject({ granted: true })
      })

      it('is for the holder of the lease', async () => {
        expect(await pause(BOB)).toEqual({ granted: false, code: 'busy' })
        const elsewhere = { room: 'unknown', session: BOB, pauseMs: PAUSE_MS, againMs: AGAIN_MS }
        expect(await store.pause(elsewhere)).toEqual({ granted: false, code: 'busy' })
      })

      it('an append of another epoch is told of the epoch, not of the pause', async () => {
        await pause()
        const result = await store.append({ room, session: BOB, subject: 'bob', runs: [run(salt, 1, 1, 5)] })
        expect(result).toMatchObject({ code: 'stale-epoch', record: first.bytes })
      })
    })

    describe('opening the next epoch', () => {
      const salt = bytes(16)

      beforeEach(async () => {
        expectStored(await store.append({ room, session: ALICE, subject: 'alice', runs: [run(salt, 1, 2)] }))
        await lease(ALICE)
      })

      it('[M3] is refused where the log has grown past what the opener carries over', async () => {
        const request = await replacing()
        expectStored(await store.append({ room, session: ALICE, subject: 'alice', runs: [run(salt, 3)] }))
        expect(await store.open(request)).toEqual({ stored: false, code: 'stale-epoch', record: first.bytes })
        expectStored(await store.open(await replacing()))
      })

      it('[M3] is refused for an append that stands before it in the same group', async () => {
        const request = await replacing()
        const [appended, opened] = await Promise.all([
          store.append({ room, session: ALICE, subject: 'alice', runs: [run(salt, 3)] }),
          store.open(request),
        ])
        expect([appended.stored, opened.stored]).toEqual([true, false])
      })

      it('[M3] in the same group before an append refuses that one', async () => {
        const request = await replacing()
        const [opened, appended] = await Promise.all([
          store.open(request),
          store.append({ room, session: ALICE, subject: 'alice', runs: [run(salt, 3)] }),
        ])
        expectStored(opened)
        expect(appended).toEqual({ stored: false, code: 'stale-epoch', record: request.record.bytes })
      })

      it('compares record, sequence and H, each on its own', async () => {
        const { replaces = { record: bytes(32), sequence: 0, hash: bytes(32) } } = await replacing()
        for (const wrong of [{ record: bytes(32) }, { sequence: 1 }, { hash: bytes(32) }]) {
          const request = await replacing({ replaces: { ...replaces, ...wrong } })
          expect(await store.open(request)).toMatchObject({ code: 'stale-epoch' })
        }
        expect(await store.open(await replacing({ replaces: undefined }))).toMatchObject({ code: 'stale-epoch' })
        expect(await store.open(await replacing({ session: BOB }))).toMatchObject({ code: 'busy' })
        expectStored(await store.open(await replacing()))
      })

      it('needs an index above the head, by any step', async () => {
        expect(await store.open(await replacing({ record: record(0) }))).toMatchObject({ code: 'malformed' })
        expectStored(await store.open(await replacing({ record: record(9) })))
      })

      it('ends the lease', async () => {
        const next = record(1)
        expectStored(await store.open(await replacing({ record: next })))
        expect(await store.open(await replacing({ record: record(2) }))).toMatchObject({ code: 'busy' })
        const request = { room, session: BOB, purpose: 'rotate', head: next.hash, leaseMs: LEASE_MS } as const
        expect(await store.lease(request)).toEqual({ granted: true })
      })

      it('stores the checkpoint, of which any stretch is then read', async () => {
        const next = record(1)
        const chunks = chunksOf(5)
        expectStored(await store.open(await replacing({ record: next, chunks })))
        const envelopes = chunks.map(({ envelope }) => envelope)
        for (const [from, through] of [
          [1, 9],
          [3, 5],
          [5, 5],
          [1, 1],
          [2, 4],
        ] as const) {
          const read = await store.checkpoint(room, nameOf(chunks), { first: from, last: through, maxBytes: 1e9 })
          expect(read).toEqual({ total: 5, chunks: envelopes.slice(from - 1, through) })
        }
        const one = { first: 1, last: 5, maxBytes: 1 }
        expect(await store.checkpoint(room, nameOf(chunks), one)).toEqual({ total: 5, chunks: envelopes.slice(0, 1) })
        expect(await store.checkpoint(room, nameOf(chunks), { first: 6, last: 9, maxBytes: 1 })).toBeUndefined()
        expect(await store.checkpoint(room, next.hash, one)).toBeUndefined()
        expect(await store.checkpoint(room, bytes(32), one)).toBeUndefined()
        expect(await store.checkpoint('unknown', nameOf(chunks), one)).toBeUndefined()
      })

      it('that is refused for its entries leaves no record and no checkpoint, and the lease as it was', async () => {
        const next = record(1)
        const before = await store.head(room)
        const chunks = chunksOf(2)
        const request = await replacing({ record: next, chunks, runs: [run(bytes(16), 2, 1, 1)] })
        expect(await store.open(request)).toEqual({ stored: false, code: 'out-of-order' })
        expect(await store.head(room)).toEqual(before)
        expect(await store.checkpoint(room, nameOf(chunks), { first: 1, last: 1, maxBytes: 1 })).toBeUndefined()
        expectStored(await store.open({ ...request, runs: [] }))
      })

      it('with a checkpoint under a salt that entries have used is out of order', async () => {
        const earlier = await replacing({ chunks: chunksOf(2, 1, salt) })
        expect(await store.open(earlier)).toEqual({ stored: false, code: 'out-of-order' })
        const its = bytes(16)
        const own = await replacing({ chunks: chunksOf(2, 1, its), runs: [run(its, 3, 1, 1)] })
        expect(await store.open(own)).toEqual({ stored: false, code: 'out-of-order' })
      })

      it('nobody goes on under the salt of a checkpoint', async () => {
        const used = bytes(16)
        expectStored(await store.open(await replacing({ chunks: chunksOf(2, 1, used) })))
        for (const counter of [1, 3]) {
          const result = await store.append({
            room,
            session: ALICE,
            subject: 'alice',
            runs: [run(used, counter, 1, 1)],
          })
          expect(result).toEqual({ stored: false, code: 'out-of-order' })
        }
      })

      it('a store that has lost everything takes the next epoch as its first, with its checkpoint', async () => {
        const next = record(4)
        const chunks = chunksOf(2, 4)
        const request = await replacing({ room: 'lost', record: next, replaces: undefined, chunks })
        expect(expectStored(await store.open(request)).opened).toMatchObject({ index: 4, after: 0 })
        expect(await store.checkpoint('lost', nameOf(chunks), { first: 1, last: 1, maxBytes: 1 })).toMatchObject({
          total: 2,
        })
      })
    })
  })
}
