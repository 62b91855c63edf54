import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../server/relay/src/log/log-store.ts'
import { sweepTerms } from '../../server/relay/src/log/retention.ts'
import { bytes, chunksOf, expectStored, nameOf, record, run } from './log-store-fixtures.ts'

const ALICE = { session: 1, subject: 'alice' }
const MINUTE_MS = 60_000
const HEAD_ONLY = sweepTerms('head', { pruneGraceMs: 0, saltMs: 0 })

/** What every store must count, and refuse. `open` gives an empty one, with this clock. */
export function describeQuotasOfLogStore(name: string, open: (now: () => number) => Promise<LogStore>): void {
  describe(`quotas in a log store on ${name}`, () => {
    let store: LogStore
    let nowUnixMs = 1e12
    const first = record()

    beforeEach(async () => {
      nowUnixMs = 1e12
      store = await open(() => nowUnixMs)
    })
    afterEach(() => store.close())

    const quota = (documentBytes: number, tenantBytes = 1e9) => ({ documentBytes, tenantBytes })
    const openFirst = (room: string, rest: object = {}) =>
      store.open({ room, ...ALICE, runs: [], chunks: [], record: first, replaces: undefined, ...rest })
    const one = run(bytes(16), 1)
    const SIZE = one.body.length

    it('what is over the quota is refused, whole, and what fits is taken', async () => {
      expectStored(await openFirst('room'))
      const salt = bytes(16)
      // Some of it in the journal, some in the tables: it counts all the same.
      for (let counter = 1; counter <= 3; counter++) {
        expectStored(await store.append({ room: 'room', ...ALICE, runs: [run(salt, counter)], quota: quota(4 * SIZE) }))
        if (counter === 2) await store.usage('room')
      }
      const tooMuch = { room: 'room', ...ALICE, runs: [run(salt, 4), run(salt, 5)], quota: quota(4 * SIZE) }
      expect(await store.append(tooMuch)).toEqual({ stored: false, code: 'full' })
      expect((await store.head('room')).sequence).toBe(3)
      // Nothing of it was taken: the counters go on where they were.
      expectStored(await store.append({ ...tooMuch, runs: [run(salt, 4)] }))
      expect(await store.append({ ...tooMuch, runs: [run(salt, 5)] })).toMatchObject({ code: 'full' })
    })

    it('checkpoints count, and what is deleted does not any more', async () => {
      const chunks = chunksOf(5, 0)
      const total = chunks.reduce((sum, { envelope }) => sum + envelope.length, 0)
      expect(await openFirst('room', { chunks, quota: quota(total - 1) })).toMatchObject({ code: 'full' })
      expectStored(await openFirst('room', { chunks, quota: quota(total) }))
      const salt = bytes(16)
      const append = (counter: number) =>
        store.append({ room: 'room', ...ALICE, runs: [run(salt, counter)], quota: quota(total + SIZE) })
      expectStored(await append(1))
      expect(await append(2)).toMatchObject({ code: 'full' })
      const head = await store.head('room')
      await store.lease({ room: 'room', session: 1, purpose: 'checkpoint', head: first.hash, leaseMs: 1_000 })
      const smaller = chunksOf(2, 0)
      const covers = { room: 'room', ...ALICE, sequence: 1, hash: head.hash, previous: nameOf(chunks) }
      expect(await store.compact({ ...covers, chunks: [smaller[0]!, smaller[1]!], quota: quota(total) })).toEqual({
        ...{ stored: false, code: 'full' },
      })
      const stored = await store.compact({ ...covers, chunks: [smaller[0]!, smaller[1]!], quota: quota(2 * total) })
      expect(stored).toMatchObject({ stored: true, isNamed: true })
      nowUnixMs += 1
      while (await store.sweep(HEAD_ONLY));
      // Nothing is left but the new checkpoint: neither the former one nor the entry that it covers. Their salt was forgotten, too.
      const left = smaller.reduce((sum, { envelope }) => sum + envelope.length, 0)
      const last = { room: 'room', ...ALICE, runs: [run(bytes(16), 1)] }
      expect(await store.append({ ...last, quota: quota(left + SIZE - 1) })).toMatchObject({ code: 'full' })
      expectStored(await store.append({ ...last, quota: quota(left + SIZE) }))
    })

    it('the documents of a tenant count together, others not, and a deleted one not any more', async () => {
      const all = quota(1e9, 2 * SIZE)
      const acme = { tenant: 'acme', quota: all }
      for (const room of ['a', 'b', 'c']) expectStored(await openFirst(room, acme))
      expectStored(await openFirst('d', { tenant: 'other' }))
      expectStored(await openFirst('e'))
      const append = async (room: string) => {
        const result = await store.append({ room, ...ALICE, runs: [run(bytes(16), 1)], quota: all })
        // Out of the journal: what only that has may count late.
        await store.usage(room)
        return result.stored
      }
      expect([await append('a'), await append('b'), await append('c')]).toEqual([true, true, false])
      expect([await append('d'), await append('e')]).toEqual([true, true])
      await store.delete('a')
      expect(await append('c')).toBe(true)
      expect(await append('c')).toBe(false)
    })

    it('a document is rotated once a minute and so often a day, and its first epoch is no rotation', async () => {
      expectStored(await openFirst('room'))
      const atMost = { perMinute: 1, perDay: 3 }
      const wish = { room: 'room', session: 1, purpose: 'rotate', leaseMs: 1e9, atMost } as const
      let head = first
      const rotate = async () => {
        const lease = await store.lease({ ...wish, head: head.hash })
        if (!lease.granted) return lease.code
        const { sequence, hash } = await store.head('room')
        const next = record(head.index + 1)
        const replaces = { record: head.hash, sequence, hash }
        expectStored(await store.open({ room: 'room', ...ALICE, runs: [], chunks: [], record: next, replaces }))
        head = next
        return 'rotated'
      }
      expect([await rotate(), await rotate()]).toEqual(['rotated', 'too-often'])
      nowUnixMs += MINUTE_MS
      expect([await rotate(), await rotate()]).toEqual(['rotated', 'too-often'])
      nowUnixMs += MINUTE_MS
      expect(await rotate()).toBe('rotated')
      nowUnixMs += MINUTE_MS
      expect(await rotate()).toBe('too-often')
      // A checkpoint is no rotation, and who is late hears that somebody was quicker.
      const { atMost: _, ...plain } = wish
      expect(await store.lease({ ...plain, purpose: 'checkpoint', head: head.hash, atMost })).toEqual({ granted: true })
      expect(await store.lease({ ...wish, head: first.hash })).toMatchObject({ code: 'stale-epoch' })
      nowUnixMs += 24 * 60 * MINUTE_MS
      expect(await rotate()).toBe('rotated')
    })
  })
}
