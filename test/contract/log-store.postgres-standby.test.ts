import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPostgresLogStore, type SharedLogStore } from '../../server/relay/src/log/postgres-log-store.ts'
import { skipPostgresTests } from '../support/postgres.ts'
import { PostgresPair } from '../support/postgres-pair.ts'
import { bytes, expectStored, record, run } from './log-store-fixtures.ts'

const ALICE = { session: 1, subject: 'alice' }
const room = 'a room'

describe.skipIf(skipPostgresTests)('a PostgreSQL primary with a standby that has to have what is committed', () => {
  let pair: PostgresPair
  let store: SharedLogStore
  const salt = bytes(16)

  beforeEach(async () => {
    pair = await PostgresPair.start()
    store = await openPostgresLogStore(pair.url, { patienceMs: 30_000 })
    expectStored(await store.open({ room, ...ALICE, runs: [], chunks: [], record: record(), replaces: undefined }))
  })
  afterEach(async () => {
    await store.close()
    await pair.stop()
  })

  it('is killed, the standby is promoted: what was acked is there, and the next append is', async () => {
    expectStored(await store.append({ room, ...ALICE, runs: [run(salt, 1)] }))
    await pair.killPrimary()
    const append = store.append({ room, ...ALICE, runs: [run(salt, 2)] })
    await pair.promote()
    const { sequence, hash } = expectStored(await append)
    expect(await store.head(room)).toMatchObject({ sequence: 2, hash })
    expect(sequence).toBe(2)
  })

  it('is killed within a commit that only it has, and started again: acked once the standby has it', async () => {
    await pair.killStandby()
    const append = store.append({ room, ...ALICE, runs: [run(salt, 1)] })
    await pair.untilCommitWaits()
    await pair.killPrimary()
    await pair.startPrimary()
    // It is there now, for whoever looks; if this machine burns down, it is nowhere.
    expect(await Promise.race([append.then(() => 'acked'), pair.untilCommitWaits().then(() => 'waits')])).toBe('waits')
    await pair.startStandby()
    expect(expectStored(await append).sequence).toBe(1)
    await pair.killPrimary()
    await pair.promote()
    expect(await store.head(room)).toMatchObject({ sequence: 1 })
  })
})
