import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sweepTerms } from '../../server/relay/src/log/retention.ts'
import { openSqliteLogStore } from '../../server/relay/src/log/sqlite-log-store.ts'
import { describeLogStore } from './log-store.contract.ts'
import { describeCheckpointsOfLogStore } from './log-store-checkpoints.contract.ts'
import { CheckpointedLog, SALT_MS } from './log-store-checkpoints-fixture.ts'
import { describeDeletionOfLogStore } from './log-store-deletion.contract.ts'
import { describeEpochsOfLogStore } from './log-store-epochs.contract.ts'
import { chunksOf, run } from './log-store-fixtures.ts'
import { describePruningOfLogStore } from './log-store-pruning.contract.ts'
import { describeQuotasOfLogStore } from './log-store-quota.contract.ts'

let directory: string
let count = 0

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-log-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const fresh = () => join(directory, String(++count))

describeLogStore('SQLite in memory', async () => openSqliteLogStore('memory'))
describeLogStore('SQLite in a file', async () => openSqliteLogStore(fresh()))
describeEpochsOfLogStore('SQLite in memory', async (now) => openSqliteLogStore('memory', now))
describeEpochsOfLogStore('SQLite in a file', async (now) => openSqliteLogStore(fresh(), now))
describeCheckpointsOfLogStore('SQLite in memory', async (now) => openSqliteLogStore('memory', now))
describeCheckpointsOfLogStore('SQLite in a file', async (now) => openSqliteLogStore(fresh(), now))
describePruningOfLogStore('SQLite in memory', async (now) => openSqliteLogStore('memory', now))
describePruningOfLogStore('SQLite in a file', async (now) => openSqliteLogStore(fresh(), now))
describeQuotasOfLogStore('SQLite in memory', async (now) => openSqliteLogStore('memory', now))
describeQuotasOfLogStore('SQLite in a file', async (now) => openSqliteLogStore(fresh(), now))
describeDeletionOfLogStore('SQLite in memory', async () => openSqliteLogStore('memory'))
describeDeletionOfLogStore('SQLite in a file', async () => openSqliteLogStore(fresh()))

const record = { index: 0, bytes: Uint8Array.of(1, 1, 0, 0), hash: new Uint8Array(32).fill(7) }
const opening = { room: 'room', session: 1, subject: 's1', runs: [], chunks: [], record, replaces: undefined }

it('a log is there again after a restart, and only its owner can read the file', async () => {
  const data = fresh()
  const before = openSqliteLogStore(data)
  await before.open(opening)
  await before.close()
  expect(statSync(join(data, 'relay.db')).mode & 0o777).toBe(0o600)
  const after = openSqliteLogStore(data)
  expect((await after.head('room')).record).toEqual({ ...record, after: 0 })
  await after.close()
})

it('what is added just before the end is committed by it', async () => {
  const data = fresh()
  const store = openSqliteLogStore(data)
  const opened = store.open(opening)
  await store.close()
  expect(await opened).toMatchObject({ stored: true })
})

it('a store of a later version is refused, not guessed at', async () => {
  const data = fresh()
  await openSqliteLogStore(data).close()
  const database = new DatabaseSync(join(data, 'relay.db'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  expect(() => openSqliteLogStore(data)).toThrow(expect.objectContaining({ code: 'storage' }))
})

it('a lease and a pause end with the process that gave them', async () => {
  const data = fresh()
  const lease = { room: 'room', purpose: 'rotate', head: record.hash, leaseMs: 60_000 } as const
  const before = openSqliteLogStore(data)
  await before.open(opening)
  await before.lease({ ...lease, session: 1 })
  const pause = { room: 'room', session: 1, pauseMs: 5_000, againMs: 30_000 }
  expect(await before.pause(pause)).toMatchObject({ granted: true })
  await before.close()
  const after = openSqliteLogStore(data)
  const salt = new Uint8Array(16)
  const run = { epochIndex: 0, salt, firstCounter: 1, count: 1, leaves: [], body: new Uint8Array(1) }
  expect(await after.append({ room: 'room', session: 2, subject: 's2', runs: [run] })).toMatchObject({ stored: true })
  expect(await after.lease({ ...lease, session: 2 })).toEqual({ granted: true })
  await after.close()
})

it('what was begun to delete is deleted after a restart, to the last chunk and salt', async () => {
  const data = fresh()
  const log = new CheckpointedLog()
  await log.begin(openSqliteLogStore(data, () => log.now))
  for (let run = 0; run < 300; run++) await log.append('alice')
  await log.compact('alice', 299, chunksOf(40, 0))
  await log.append('alice')
  const kept = await log.compact('alice', 301, chunksOf(2, 0))
  log.now += SALT_MS
  const rowsLeft = () => {
    const database = new DatabaseSync(join(data, 'relay.db'))
    const count = (table: string): number => database.prepare(`SELECT count(*) AS rows FROM ${table}`).get().rows
    const rows = ['runs', 'chunks', 'checkpoints', 'salts', 'replaced'].map(count)
    database.close()
    return rows
  }
  let isMore = true
  for (let restarts = 0; isMore; restarts++) {
    expect(restarts).toBeLessThan(20)
    isMore = await log.store.sweep(log.terms('head'))
    await log.store.close()
    log.store = openSqliteLogStore(data, () => log.now)
  }
  expect(await log.names()).toEqual([kept])
  await log.store.close()
  expect(rowsLeft()).toEqual([0, 2, 1, 1, 0])
})

it('a file that is no database is refused', () => {
  expect(() => openSqliteLogStore('/dev/null/nowhere')).toThrow(expect.objectContaining({ code: 'storage' }))
})

it('a group whose write fails is rejected as a whole, and the next group is stored', async () => {
  const data = fresh()
  const store = openSqliteLogStore(data)
  await store.open(opening)
  // What a broken row looks like to the store: a body that the column refuses.
  const broken = { epochIndex: 0, salt: new Uint8Array(16), firstCounter: 1, count: 1, leaves: [] }
  const results = await Promise.allSettled([
    store.append({ room: 'room', session: 1, subject: 's1', runs: [{ ...broken, body: new Uint8Array(1) }] }),
    store.append({
      room: 'room',
      session: 1,
      subject: 's1',
      runs: [{ ...broken, firstCounter: 2, body: null as unknown as Uint8Array }],
    }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect((await store.head('room')).sequence).toBe(0)
  expect(
    await store.append({ room: 'room', session: 1, subject: 's1', runs: [{ ...broken, body: new Uint8Array(1) }] }),
  ).toMatchObject({
    stored: true,
  })
  await store.close()
})

it('of a deleted document the file keeps a hash of its name, and no row more, also if the relay ended in the middle', async () => {
  const data = fresh()
  const before = openSqliteLogStore(data)
  const author = { room: 'a room that goes', session: 1, subject: 'somebody' }
  await before.open({ ...author, runs: [], chunks: chunksOf(40, 0), record, replaces: undefined })
  const salt = new Uint8Array(16).fill(9)
  for (let counter = 1; counter <= 300; counter++) {
    expect(await before.append({ ...author, runs: [run(salt, counter)] })).toMatchObject({ stored: true })
  }
  const terms = sweepTerms('all', { pruneGraceMs: 0, saltMs: 0 })
  await before.delete('a room that goes')
  await before.sweep(terms)
  await before.close()
  const after = openSqliteLogStore(data)
  expect(await after.isDeleted('a room that goes')).toBe(true)
  while (await after.sweep(terms));
  await after.close()
  const database = new DatabaseSync(join(data, 'relay.db'))
  for (const table of ['runs', 'salts', 'records', 'checkpoints', 'chunks', 'replaced', 'journal']) {
    expect([table, database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()]).toEqual([table, { rows: 0 }])
  }
  const rows: { room: Uint8Array; sole_subject: unknown }[] = database.prepare('SELECT * FROM documents').all()
  const name = createHash('sha256').update('a room that goes').digest()
  expect(rows.map(({ room, sole_subject }) => [Buffer.from(room).subarray(1), sole_subject])).toEqual([[name, null]])
  database.close()
})

it('what comes after the end is refused, and ends no process (found by the fuzzer)', async () => {
  const store = openSqliteLogStore('memory')
  await store.close()
  const opened = store.open(opening)
  await expect(opened).rejects.toThrow('not open')
})
