import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PostgresDatabase } from '../../server/relay/src/log/postgres-database.ts'
import { openPostgresLogStore, type SharedLogStore } from '../../server/relay/src/log/postgres-log-store.ts'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { postgresLine } from '../support/postgres-line.ts'
import { bytes, expectStored, record, run } from './log-store-fixtures.ts'

const ALICE = { session: 1, subject: 'alice' }
const room = 'a room'
// The server is every test's of this run: only the connections of this one are ended.
const NAME = `faults_${process.pid}`
const END_CONNECTIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${NAME}'`

describe.skipIf(skipPostgresTests)('PostgreSQL whose connections break', () => {
  let url: string
  let line: Awaited<ReturnType<typeof postgresLine>>
  let store: SharedLogStore
  const first = record()

  beforeEach(async () => {
    url = await freshPostgres()
    line = await postgresLine(url)
    store = await opened()
    expectStored(await store.open({ room, ...ALICE, runs: [], chunks: [], record: first, replaces: undefined }))
  })
  afterEach(async () => {
    await store.close()
    line.close()
  })

  const opened = (options = {}) => openPostgresLogStore(`${line.url}&application_name=${NAME}`, options)

  /** From here on the store gives up after a second. */
  async function losePatience(): Promise<void> {
    await store.close()
    store = await opened({ patienceMs: 1_000 })
  }

  async function query(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows
  }

  it.each(['cut-before', 'cut-after'] as const)(
    'an append whose commit is %s the server has answered is stored once, and acked as it is stored',
    async (act) => {
      const salt = bytes(16)
      line.atCommits(act, act)
      const commit = expectStored(await store.append({ room, ...ALICE, runs: [run(salt, 1)] }))
      // Who finds its commit there makes another (log-store.postgres-standby): that is cut as well.
      expect(line.cuts).toBe(2)
      const head = await store.head(room)
      expect([commit.sequence, commit.hash]).toEqual([head.sequence, head.hash])
      expect(head.sequence).toBe(1)
      expectStored(await store.append({ room, ...ALICE, runs: [run(salt, 2)] }))
    },
  )

  it('a lease, a pause and an epoch likewise', async () => {
    line.atCommits('cut-after', 'cut-after', 'cut-after')
    const wish = { room, session: 1, purpose: 'rotate', head: first.hash, leaseMs: 60_000 } as const
    expect(await store.lease(wish)).toEqual({ granted: true })
    const { sequence, hash } = await store.head(room)
    const replaces = { record: first.hash, sequence, hash }
    const next = record(1)
    const runs = [run(bytes(16), 1, 1, 1)]
    const opened = expectStored(await store.open({ room, ...ALICE, runs, chunks: [], record: next, replaces }))
    expect(opened.opened?.hash).toEqual(next.hash)
    expect((await store.head(room)).sequence).toBe(1)
    expect((await store.records(room, undefined)).after).toHaveLength(2)
  })

  it('a commit of which nobody can be asked is neither acked nor refused', async () => {
    await losePatience()
    line.atCommits('cut-after')
    const append = store.append({ room, ...ALICE, runs: [run(bytes(16), 1)] })
    // It is on its way before the line is down for good.
    await line.cut
    line.goDown()
    await expect(append).rejects.toMatchObject({ name: 'InDoubtError' })
  })

  it('what cannot be begun is refused with the reason, not in doubt', async () => {
    await losePatience()
    line.goDown()
    await expect(store.append({ room, ...ALICE, runs: [run(bytes(16), 1)] })).rejects.not.toMatchObject({
      name: 'InDoubtError',
    })
  })

  it('all connections are ended again and again while twenty write: nothing is lost, nothing is there twice', async () => {
    const acked: number[] = []
    const writers = Array.from({ length: 20 }, async (_, i) => {
      const salt = bytes(16)
      const author = { session: i + 1, subject: `s${i}` }
      for (let counter = 1; counter <= 10; counter++) {
        const { sequence } = expectStored(await store.append({ room, ...author, runs: [run(salt, counter)] }))
        acked.push(sequence)
        if (acked.length % 20 === 10) await query(END_CONNECTIONS)
      }
    })
    await Promise.all(writers)
    expect(acked.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect((await store.head(room)).sequence).toBe(200)
  })

  it('commits are durable whatever the database was told', async () => {
    const careless = new PostgresDatabase(`${url}${encodeURIComponent(' -c synchronous_commit=off')}`)
    expect(await careless.query('SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }])
    await careless.close()
  })

  it('a store of a later schema is refused', async () => {
    await query('UPDATE relay_store SET version = 99')
    await expect(openPostgresLogStore(url)).rejects.toMatchObject({ code: 'storage' })
  })

  it('a number that is none any more is no other number', async () => {
    await query(`UPDATE documents SET sequence = 9007199254740993`)
    await expect(store.head(room)).rejects.toMatchObject({ code: 'storage' })
  })
})
