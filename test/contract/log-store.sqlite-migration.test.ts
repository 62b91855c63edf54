import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { startHash } from '@y-sealed/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Retention, sweepTerms } from '../../server/relay/src/log/retention.ts'
import { openSqliteLogStore } from '../../server/relay/src/log/sqlite-log-store.ts'
import { fakeCheckpoint, nameOf } from '../scenario/relay-raw-client.ts'
import { bytes, run } from './log-store-fixtures.ts'
import { VERSION_1, VERSION_2 } from './old-sqlite-schemas.ts'

let directory: string
let count = 0

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'y-sealed-migration-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const ROOM = 'a room'
const SESSION = 7
const LAST_HASH = new Uint8Array(32).fill(9)
const SALT = new Uint8Array(16).fill(4)
const record = (index: number) => ({ index, bytes: Uint8Array.of(1, 1, 0, index), hash: hashOf(index) })
const hashOf = (index: number) => new Uint8Array(32).fill(0xe0 + index)

/** A document with two epochs, of two entries and of one, as a file of this version; the second began with these chunks. */
function oldStore(version: 1 | 2, chunks: readonly Uint8Array[] = []): string {
  const data = join(directory, String(++count))
  mkdirSync(data)
  const database = new DatabaseSync(join(data, 'relay.db'))
  database.exec(VERSION_1)
  if (version === 2) database.exec(VERSION_2)
  database
    .prepare('INSERT INTO documents (id, room, sequence, hash, head_record) VALUES (1, ?, 3, ?, 1)')
    .run(Buffer.from(ROOM), LAST_HASH)
  for (const [index, after] of [0, 2].entries()) {
    database.prepare('INSERT INTO records VALUES (1, ?, ?, ?, ?)').run(index, record(index).bytes, hashOf(index), after)
  }
  for (const sequence of [1, 2, 3]) {
    const epochIndex = sequence < 3 ? 0 : 1
    const body = Uint8Array.of(0, 1, sequence)
    database.prepare('INSERT INTO runs VALUES (1, ?, 1, ?, ?, ?)').run(sequence, epochIndex, hashOf(sequence), body)
  }
  database.prepare('INSERT INTO salts VALUES (1, ?, ?, 1)').run(SALT, SESSION)
  for (const [i, chunk] of chunks.entries()) {
    database.prepare('INSERT INTO checkpoints VALUES (1, 1, ?, ?)').run(i + 1, chunk)
  }
  database.exec(`PRAGMA user_version = ${version}`)
  database.close()
  return data
}

describe.each([1, 2] as const)('a store of version %i', (version) => {
  it('has its log as it was, and goes on', async () => {
    const store = openSqliteLogStore(oldStore(version))
    expect(await store.head(ROOM)).toEqual({ sequence: 3, hash: LAST_HASH, record: { ...record(1), after: 2 } })
    const runs = await store.read(ROOM, 0, 1e6)
    expect(runs.map(({ first, epochIndex, body }) => [first, epochIndex, body[2]])).toEqual([
      [1, 0, 1],
      [2, 0, 2],
      [3, 1, 3],
    ])
    // What it has was never counted before.
    const room = 3 * Number(runs[0]?.body.length)
    const author = { room: ROOM, session: SESSION, subject: '' }
    const append = { ...author, runs: [run(bytes(16), 1, 1, 1)], quota: { documentBytes: room, tenantBytes: 1e9 } }
    expect(await store.append(append)).toEqual({ stored: false, code: 'full' })
    const lease = { room: ROOM, session: SESSION, purpose: 'rotate', head: hashOf(1), leaseMs: 1_000 } as const
    expect(await store.lease(lease)).toEqual({ granted: true })
    await store.close()
  })

  it('is opened a second time as what it is now', async () => {
    const data = oldStore(version)
    await openSqliteLogStore(data).close()
    const store = openSqliteLogStore(data)
    expect((await store.head(ROOM)).sequence).toBe(3)
    await store.close()
  })
})

describe('the checkpoint with which an epoch began, in a store of version 2', () => {
  it('has its hash and its place, and is read as it was', async () => {
    const chunks = fakeCheckpoint(1, 3)
    const store = openSqliteLogStore(oldStore(2, chunks))
    const name = nameOf(chunks)
    expect(await store.checkpoint(ROOM, name, { first: 1, last: 9, maxBytes: 1e6 })).toEqual({ total: 3, chunks })
    const bytes = Buffer.concat(chunks).length
    expect(await store.places(ROOM, hashOf(1))).toEqual([
      { checkpoint: name, sequence: 2, hash: startHash(hashOf(1)), bytes },
    ])
    expect(await store.places(ROOM, hashOf(0))).toEqual([])
    await store.close()
  })
})

describe('what came before checkpoints between rotations', () => {
  const terms = (retention: Retention) => sweepTerms(retention, { pruneGraceMs: 600_000, saltMs: 0 })

  it('was written by nobody who is known: no checkpoint is named at once', async () => {
    const chunks = fakeCheckpoint(1, 2)
    const store = openSqliteLogStore(oldStore(2, chunks))
    const author = { room: ROOM, session: SESSION, subject: 'alice' }
    const run = { epochIndex: 1, salt: new Uint8Array(16), firstCounter: 1, count: 1, leaves: [LAST_HASH] }
    await store.append({ ...author, runs: [{ ...run, body: Uint8Array.of(0, 1, 4) }] })
    await store.lease({ room: ROOM, session: SESSION, purpose: 'checkpoint', head: hashOf(1), leaseMs: 60_000 })
    const { hash } = await store.head(ROOM)
    const chunk = { epochIndex: 1, salt: SALT.with(0, 9), counter: 1, envelope: Uint8Array.of(1), hash: hashOf(1) }
    const place = { sequence: 3, hash: (await store.hashAt(ROOM, 3)) ?? hash, previous: nameOf(chunks) }
    expect(await store.compact({ ...author, ...place, chunks: [chunk] })).toMatchObject({ stored: true })
    const { newest, base } = await store.standing(ROOM)
    expect([newest?.sequence, base?.sequence]).toEqual([3, 2])
    await store.close()
  })

  it('goes where only the head is kept: epochs that were replaced long ago', async () => {
    const store = openSqliteLogStore(oldStore(2, fakeCheckpoint(1, 2)))
    while (await store.sweep(terms(1)));
    expect(await store.standing(ROOM)).toMatchObject({ pruned: 0 })
    while (await store.sweep(terms('head')));
    expect(await store.standing(ROOM)).toMatchObject({ pruned: 2, base: { sequence: 2 } })
    expect((await store.read(ROOM, 0, 1e6)).map(({ first }) => first)).toEqual([3])
    await store.close()
  })

  it('keeps its salts: whoever appended last goes on, and nobody else may', async () => {
    const store = openSqliteLogStore(oldStore(2))
    while (await store.sweep(terms('head')));
    const run = { epochIndex: 1, salt: SALT, count: 1, leaves: [LAST_HASH], body: Uint8Array.of(0, 1, 4) }
    const other = { room: ROOM, session: 8, subject: 'bob', runs: [{ ...run, firstCounter: 1 }] }
    expect(await store.append(other)).toMatchObject({ code: 'out-of-order' })
    const same = { room: ROOM, session: SESSION, subject: 'alice', runs: [{ ...run, firstCounter: 2 }] }
    expect(await store.append(same)).toMatchObject({ stored: true })
    await store.close()
  })
})

it('a store whose checkpoint cannot be read stays what it was, and is refused', async () => {
  const data = oldStore(2, [Uint8Array.of(0xff)])
  expect(() => openSqliteLogStore(data)).toThrow(expect.objectContaining({ code: 'storage' }))
  const database = new DatabaseSync(join(data, 'relay.db'))
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 })
  expect(database.prepare('SELECT count(*) AS chunks FROM checkpoints').get()).toEqual({ chunks: 1 })
  database.close()
})
