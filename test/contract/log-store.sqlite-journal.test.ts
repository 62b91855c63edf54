import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore, NewRun } from '../../server/relay/src/log/log-store.ts'
import { openSqliteLogStore } from '../../server/relay/src/log/sqlite-log-store.ts'
import { CheckpointedLog, GRACE_MS, ROOM, SALT_MS } from './log-store-checkpoints-fixture.ts'
import { bytes, expectStored, record, run } from './log-store-fixtures.ts'

let directory: string
let count = 0
let data: string
let store: LogStore

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-journal-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

beforeEach(() => {
  data = join(directory, String(++count))
  store = openSqliteLogStore(data)
  return () => store.close()
})

const first = record()
const rooms = (howMany: number) => Array.from({ length: howMany }, (_, i) => `room ${i}`)

async function open(...names: string[]): Promise<void> {
  const request = { session: 1, subject: 'alice', runs: [], chunks: [], record: first, replaces: undefined }
  for (const result of await Promise.all(names.map((room) => store.open({ ...request, room })))) expectStored(result)
}

async function append(room: string, one: NewRun, session = 1, subject = 'alice'): Promise<void> {
  expectStored(await store.append({ room, session, subject, runs: [one] }))
}

/** The files as they are now, which is what a process that is killed leaves behind. */
function killed(used = data): string {
  const copy = join(directory, String(++count))
  cpSync(used, copy, { recursive: true })
  return copy
}

/** How many rows two of the tables have. */
function rowsIn(folder: string): { journal: number; runs: number } {
  const database = new DatabaseSync(join(folder, 'relay.db'))
  const countOf = (table: string): number => database.prepare(`SELECT count(*) AS rows FROM ${table}`).get().rows
  const rows = { journal: countOf('journal'), runs: countOf('runs') }
  database.close()
  return rows
}

async function everything(from: LogStore, room: string) {
  const runs = await from.read(room, 0, 1e9)
  return { head: await from.head(room), runs: runs.map((one) => ({ ...one, body: Buffer.from(one.body) })) }
}

describe('small appends', () => {
  it('of others are stored in the turn in which somebody asks for a document that is damaged', async () => {
    await open('room 1', 'room 2')
    await append('room 1', run(bytes(16), 1))
    await store.read('room 1', 0, 1e9)
    const database = new DatabaseSync(join(data, 'relay.db'))
    // No number that this process could have.
    database.exec('UPDATE runs SET entries = 9223372036854775807')
    database.close()
    await append('room 1', run(bytes(16), 1))
    const request = { room: 'room 2', session: 1, subject: 'alice', runs: [run(bytes(16), 1)] }
    const [read, appended] = await Promise.allSettled([store.read('room 1', 0, 1e9), store.append(request)])
    expect(read.status).toBe('rejected')
    expect(appended).toMatchObject({ status: 'fulfilled', value: { stored: true } })
  })

  it('of one turn are one row, however many rooms they are of, and a reader finds them in their tables', async () => {
    const names = rooms(50)
    await open(...names)
    await Promise.all(names.map((room) => append(room, run(bytes(16), 1))))
    expect(rowsIn(killed())).toEqual({ journal: 1, runs: 0 })
    expect(await store.read('room 7', 0, 1e9)).toHaveLength(1)
    expect(rowsIn(killed())).toEqual({ journal: 1, runs: 1 })
  })

  it('that were acked and are in the journal only are there after the process was killed, and go on where they were', async () => {
    const [alice, bob] = [bytes(16), bytes(16)]
    await open('room 1', 'room 2')
    await append('room 1', run(alice, 1, 3))
    await append('room 1', run(bob, 1), 2, 'bob ✓')
    await append('room 2', run(alice, 1))
    await append('room 1', run(alice, 4))
    const copy = killed()
    expect(rowsIn(killed())).toMatchObject({ runs: 0 })
    const expected = [await everything(store, 'room 1'), await everything(store, 'room 2')]
    const again = openSqliteLogStore(copy)
    expect([await everything(again, 'room 1'), await everything(again, 'room 2')]).toEqual(expected)
    for (let sequence = 1; sequence <= 5; sequence++) {
      expect(await again.hashAt('room 1', sequence)).toEqual(await store.hashAt('room 1', sequence))
    }
    const request = { room: 'room 1', session: 1, subject: 'alice' }
    for (const bad of [run(alice, 4), run(alice, 6), run(bob, 2)]) {
      expect(await again.append({ ...request, runs: [bad] })).toEqual({ stored: false, code: 'out-of-order' })
    }
    expectStored(await again.append({ ...request, runs: [run(alice, 5)] }))
    expect((await again.head('room 1')).sequence).toBe(6)
    await again.close()
    expect(rowsIn(copy)).toEqual({ journal: 0, runs: 5 })
  })

  it('are not stored twice where the process ends between the tables and the journal', async () => {
    const salt = bytes(16)
    await open('room 1')
    await append('room 1', run(salt, 1))
    await append('room 1', run(salt, 2))
    await store.read('room 1', 0, 1)
    await append('room 1', run(salt, 3))
    const copy = killed()
    const again = openSqliteLogStore(copy)
    expect(await everything(again, 'room 1')).toEqual(await everything(store, 'room 1'))
    expectStored(await again.append({ room: 'room 1', session: 1, subject: 'alice', runs: [run(salt, 4)] }))
    await again.close()
  })

  it('wait for each other only up to a bound, in one room and in many', async () => {
    await open('a busy room', ...rooms(400))
    const salt = bytes(16)
    for (let i = 0; i < 8; i++) await append('a busy room', run(salt, 1 + 250 * i, 250))
    // 8 times 10 kB: the tables have had the first 64 KiB.
    expect(rowsIn(killed()).runs).toBeGreaterThan(4)
    const before = rowsIn(killed()).runs
    for (const room of rooms(400)) await append(room, run(bytes(16), 1, 300))
    // 400 times 13 kB: more than the 4 MiB that a restart may find, so the oldest are in their tables, and their rows dropped.
    const { runs, journal } = rowsIn(killed())
    expect(runs - before).toBeGreaterThan(50)
    expect(runs - before).toBeLessThan(250)
    expect(journal).toBeLessThan(400)
  })

  it('are no more at the next start, however often the process is killed', async () => {
    const names = rooms(400)
    await open(...names)
    await Promise.all(names.slice(0, 300).map((room) => append(room, run(bytes(16), 1, 300))))
    // 300 times 13 kB: the journal has all of it.
    const copy = killed()
    expect(rowsIn(killed()).runs).toBe(0)
    const again = openSqliteLogStore(copy)
    const before = rowsIn(killed(copy)).runs
    const author = { session: 1, subject: 'alice' }
    const more = names.map((room) => again.append({ ...author, room, runs: [run(bytes(16), 1, 300)] }))
    for (const result of await Promise.all(more)) expectStored(result)
    expect(rowsIn(killed(copy)).runs - before).toBeGreaterThan(50)
    await again.close()
  })

  it('come after large ones in the same order: one that is large goes into the tables at once', async () => {
    const salt = bytes(16)
    await open('room 1')
    await append('room 1', run(salt, 1))
    await append('room 1', run(salt, 2, 1_000))
    expect(rowsIn(killed()).runs).toBe(2)
    await append('room 1', run(salt, 1_002))
    const { head, runs } = await everything(store, 'room 1')
    expect(head.sequence).toBe(1_002)
    expect(runs.map(({ first: sequence }) => sequence)).toEqual([1, 2, 1_002])
  })
})

describe('a transaction that fails', () => {
  it('takes with it what the journal knew of it, and nothing of what was acked before', async () => {
    const salt = bytes(16)
    await open('room 1', 'room 2')
    await append('room 1', run(salt, 1))
    const lost = run(salt, 2)
    const request = { session: 1, subject: 'alice' }
    // What a broken row looks like to the store: a body that cannot be written.
    const broken = { ...run(bytes(16), 1), body: null as unknown as Uint8Array }
    const results = await Promise.allSettled([
      store.append({ ...request, room: 'room 1', runs: [lost] }),
      store.append({ ...request, room: 'room 2', runs: [broken] }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await store.head('room 1')).sequence).toBe(1)
    expect(await store.read('room 1', 0, 1e9)).toHaveLength(1)
    // Its counter is free again, and H runs on from the first.
    const stored = expectStored(await store.append({ ...request, room: 'room 1', runs: [lost] }))
    expect(stored.runs[0]?.hashBefore).toEqual(await store.hashAt('room 1', 1))
    const copy = killed()
    const again = openSqliteLogStore(copy)
    expect(await everything(again, 'room 1')).toEqual(await everything(store, 'room 1'))
    await again.close()
  })
})

it('a sweep does not forget a salt that the journal alone knows to be in use', async () => {
  const log = new CheckpointedLog()
  const swept = openSqliteLogStore(join(directory, String(++count)), () => log.now)
  await log.begin(swept)
  await log.append('alice')
  await log.compact('alice', 1)
  log.now += SALT_MS + GRACE_MS
  await log.append('alice')
  await log.sweep('head')
  await log.append('alice')
  expect(await log.kept()).toEqual(['2..3'])
  expect((await swept.head(ROOM)).sequence).toBe(3)
  await swept.close()
})
