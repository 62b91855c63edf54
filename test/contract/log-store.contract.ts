import { nextHash, startHash } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore, NewRun } from '../../server/relay/src/log/log-store.ts'
import { parseRunBody } from '../../server/relay/src/log/run-body.ts'
import { bytes, expectStored, record, run } from './log-store-fixtures.ts'

const ALICE = 1
const BOB = 2

function chain(start: Uint8Array, runs: NewRun[]): Uint8Array {
  return runs.flatMap(({ leaves }) => leaves).reduce((hash, leaf) => nextHash(hash, leaf), start)
}

/** What every store must do, whatever it is made of. `open` gives an empty one. */
export function describeLogStore(name: string, open: () => Promise<LogStore>): void {
  describe(`log store on ${name}`, () => {
    let store: LogStore
    const room = 'a room'

    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    async function openEpoch(runs: NewRun[] = [], first = record()) {
      const request = { room, session: ALICE, subject: 'alice', runs, record: first, replaces: undefined, chunks: [] }
      return expectStored(await store.open(request))
    }

    async function everything(after = 0, maxBytes = 1e9): Promise<Uint8Array[]> {
      const runs = await store.read(room, after, maxBytes)
      return runs.flatMap(({ body }) => parseRunBody(body).map(({ envelope }) => new Uint8Array(envelope)))
    }

    const envelopesOf = (runs: NewRun[]) =>
      runs.flatMap(({ body }) => parseRunBody(body).map(({ envelope }) => new Uint8Array(envelope)))

    it('an unknown room is empty, and asking for it makes nothing', async () => {
      expect(await store.head(room)).toEqual({ sequence: 0, hash: new Uint8Array(32) })
      expect(await store.read(room, 0, 1)).toEqual([])
      expect(await store.hashAt(room, 1)).toBeUndefined()
      expect(await store.records(room, undefined)).toEqual({ after: [] })
    })

    it('tells what it has, page by page and to nobody but who asks for all of it; what was deleted is gone from it', async () => {
      const author = { session: ALICE, subject: 'alice', replaces: undefined, chunks: [] }
      for (const room of ['b', 'a', 'c']) {
        expectStored(await store.open({ ...author, room, runs: [run(bytes(16), 1, 2)], record: record() }))
      }
      await store.delete('b')
      const contents = store.contents()
      const names = async (after: string) => await contents.names(after, 1)
      const [first = ''] = await names('')
      const [second = ''] = await names(first)
      expect(await names(second)).toEqual([])
      expect(new Set([first, second]).size).toBe(2)
      for (const name of [first, second]) {
        expect((await contents.head(name)).sequence).toBe(2)
        expect(await contents.read(name, 0, 1e6)).toHaveLength(1)
        expect((await contents.records(name, undefined)).after).toHaveLength(1)
      }
    })

    it('nothing can be appended before the first epoch', async () => {
      const result = await store.append({ room, session: ALICE, subject: 'alice', runs: [run(bytes(16), 1)] })
      expect(result).toEqual({ stored: false, code: 'stale-epoch' })
    })

    it('sequences are dense and the hash runs on, over runs and appends', async () => {
      const first = record()
      const salt = bytes(16)
      const runs = [run(salt, 1, 2), run(salt, 3, 1), run(salt, 4, 3)]
      const opened = await openEpoch(runs.slice(0, 1), first)
      expect(opened).toMatchObject({ sequence: 2, opened: { ...first, after: 0 } })
      const appended = expectStored(await store.append({ room, session: ALICE, subject: 'alice', runs: runs.slice(1) }))
      expect(appended.runs.map(({ first, count }) => [first, count])).toEqual([
        [3, 1],
        [4, 3],
      ])
      const head = await store.head(room)
      expect(head.sequence).toBe(6)
      expect(head.hash).toEqual(chain(startHash(first.hash), runs))
      expect(head.record?.hash).toEqual(first.hash)
      expect(await everything()).toEqual(envelopesOf(runs))
    })

    it('of two that open the first epoch one wins and the other learns its record', async () => {
      const [a, b] = [record(), record()]
      const results = await Promise.all([
        store.open({
          room,
          session: ALICE,
          subject: 'alice',
          runs: [run(bytes(16), 1)],
          record: a,
          replaces: undefined,
          chunks: [],
        }),
        store.open({
          room,
          session: BOB,
          subject: 'bob',
          runs: [run(bytes(16), 1)],
          record: b,
          replaces: undefined,
          chunks: [],
        }),
      ])
      expect(results[0]).toMatchObject({ stored: true })
      expect(results[1]).toEqual({ stored: false, code: 'stale-epoch', record: a.bytes })
      expect((await store.head(room)).sequence).toBe(1)
    })

    it('an open that is refused for its entries leaves no record behind', async () => {
      const result = await store.open({
        room,
        session: ALICE,
        subject: 'alice',
        runs: [run(bytes(16), 2)],
        record: record(),
        replaces: undefined,
        chunks: [],
      })
      expect(result).toEqual({ stored: false, code: 'out-of-order' })
      expect(await store.head(room)).toEqual({ sequence: 0, hash: new Uint8Array(32) })
    })

    it('the first record may have any index: clients may know of epochs that the store has lost', async () => {
      const first = record(7)
      expect((await openEpoch([run(bytes(16), 1, 1, 7)], first)).opened).toEqual({ ...first, after: 0 })
    })

    it('a next epoch goes on with the sequences and starts the hash anew', async () => {
      const [first, second] = [record(0), record(3)]
      await openEpoch([run(bytes(16), 1, 2)], first)
      const moved = run(bytes(16), 1, 2, 3)
      await store.lease({ room, session: ALICE, purpose: 'rotate', head: first.hash, leaseMs: 1_000 })
      const { sequence, hash } = await store.head(room)
      const replaces = { record: first.hash, sequence, hash }
      const request = { room, session: ALICE, subject: 'alice', runs: [moved], record: second, replaces, chunks: [] }
      const commit = expectStored(await store.open(request))
      expect(commit.opened).toEqual({ ...second, after: 2 })
      expect(commit.runs[0]).toMatchObject({ first: 3, epochIndex: 3, hashBefore: startHash(second.hash) })
      expect((await store.head(room)).hash).toEqual(chain(startHash(second.hash), [moved]))
      expect(await store.append({ room, session: ALICE, subject: 'alice', runs: [run(bytes(16), 1)] })).toEqual({
        stored: false,
        code: 'stale-epoch',
        record: second.bytes,
      })
      const { held, after } = await store.records(room, first.hash)
      expect(held).toEqual({ ...first, after: 0 })
      expect(after).toEqual([{ ...second, after: 2 }])
      expect((await store.records(room, bytes(32))).after).toHaveLength(2)
    })

    describe('counters', () => {
      const salt = bytes(16)
      const append = (session: number, ...runs: NewRun[]) =>
        store.append({ room, session, subject: `s${session}`, runs })

      beforeEach(async () => {
        await openEpoch()
        expectStored(await append(ALICE, run(salt, 1, 2)))
      })

      it('the next one of the same session is stored', async () => {
        expectStored(await append(ALICE, run(salt, 3)))
      })

      it.each([
        ['a gap', ALICE, 4],
        ['a repeat', ALICE, 2],
        ['a new start', ALICE, 1],
        ['the salt of another session', BOB, 3],
        ['the salt of another session from its start', BOB, 1],
      ])('%s is out of order, and nothing moves', async (_what, session, counter) => {
        const before = await store.head(room)
        expect(await append(session, run(salt, counter))).toEqual({ stored: false, code: 'out-of-order' })
        expect(await store.head(room)).toEqual(before)
        expectStored(await append(ALICE, run(salt, 3)))
      })

      it('a new salt starts at 1', async () => {
        expect(await append(ALICE, run(bytes(16), 2))).toEqual({ stored: false, code: 'out-of-order' })
        expectStored(await append(ALICE, run(bytes(16), 1)))
      })

      it('one bad run refuses the whole append and claims no salt', async () => {
        const fresh = bytes(16)
        const result = await append(BOB, run(fresh, 1), run(salt, 3))
        expect(result).toEqual({ stored: false, code: 'out-of-order' })
        expectStored(await append(ALICE, run(fresh, 1)))
      })

      it('a run of another epoch refuses the whole append', async () => {
        expect(await append(ALICE, run(salt, 3), run(salt, 4, 1, 1))).toMatchObject({ code: 'stale-epoch' })
        expectStored(await append(ALICE, run(salt, 3)))
      })

      it('a refused append in a group leaves the others of the group alone', async () => {
        const [good, bad, alsoGood] = await Promise.all([
          append(ALICE, run(salt, 3)),
          append(BOB, run(bytes(16), 1), run(salt, 4)),
          append(ALICE, run(salt, 4)),
        ])
        expect([good?.stored, bad?.stored, alsoGood?.stored]).toEqual([true, false, true])
        expect((await store.head(room)).sequence).toBe(4)
      })

      it('rooms have salts of their own', async () => {
        const other = record()
        expectStored(
          await store.open({
            room: 'another',
            session: BOB,
            subject: 'bob',
            runs: [run(salt, 1)],
            record: other,
            replaces: undefined,
            chunks: [],
          }),
        )
      })
    })

    describe('reading', () => {
      const salt = bytes(16)
      const runs = [run(salt, 1, 3), run(salt, 4, 1), run(salt, 5, 4)]
      const first = record()

      beforeEach(async () => {
        await openEpoch([], first)
        for (const one of runs)
          expectStored(await store.append({ room, session: ALICE, subject: 'alice', runs: [one] }))
      })

      it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('from after %i, also in the middle of a run', async (after) => {
        expect(await everything(after)).toEqual(envelopesOf(runs).slice(after))
      })

      it('names the hash before what it returns, and that of every entry', async () => {
        const leaves = runs.flatMap((one) => one.leaves)
        for (let after = 0; after < 8; after++) {
          const expected = leaves.slice(0, after).reduce((hash, leaf) => nextHash(hash, leaf), startHash(first.hash))
          expect((await store.read(room, after, 1))[0]?.hashBefore).toEqual(expected)
          if (after > 0) expect(await store.hashAt(room, after)).toEqual(expected)
        }
        expect(await store.hashAt(room, 9)).toBeUndefined()
      })

      it('stops at the bytes asked for, never at nothing', async () => {
        expect(await store.read(room, 0, 1)).toHaveLength(1)
        expect(await store.read(room, 0, runs[0]!.body.length + 1)).toHaveLength(2)
      })
    })
  })
}
