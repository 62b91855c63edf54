import { openKeyStore } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { describeKeyStore } from './key-store.contract.ts'
import { describeMasterKeys } from './master-keys.contract.ts'

const MASTER = Buffer.from('8lM1VYb0m2XoGzJYwq0m0M4hYkzB2mJt7p5jv8u5Q1E=', 'base64')

describe.skipIf(skipPostgresTests)('on PostgreSQL', () => {
  describeKeyStore('PostgreSQL', () => {
    const url = freshPostgres()
    const open = async () => openKeyStore({ data: await url, masterKeys: [MASTER] })
    return { open, reopen: open }
  })

  describeMasterKeys('PostgreSQL', async () => {
    const data = await freshPostgres()
    return (masterKeys) => openKeyStore({ data, masterKeys })
  })

  it('five instances that start together on an empty database make its tables once and give one key', async () => {
    const data = await freshPostgres()
    const stores = await Promise.all(Array.from({ length: 5 }, () => openKeyStore({ data, masterKeys: [MASTER] })))
    onTestFinished(async () => {
      for (const store of stores) await store.close()
    })
    const issued = await Promise.all(
      stores.flatMap((store) => Array.from({ length: 10 }, () => store.currentOrNew('d'))),
    )
    expect(new Set(issued.map(({ key }) => key)).size).toBe(1)
  })

  it('needs a master key: there is no file beside the database', async () => {
    await expect(openKeyStore({ data: await freshPostgres() })).rejects.toMatchObject({ code: 'master-key-missing' })
  })
})

it.each([
  'postgres://ada:c4n4ry-p4ss@127.0.0.1:1/keys',
  'postgres://ada:c4n4ry-p4ss@[::1/keys',
  'postgres://ada:c4n4ry-p4ss@127.0.0.1:99999/keys',
])('a database that cannot be reached is told by a code, without its URL: %#', async (data) => {
  const error: unknown = await openKeyStore({ data, masterKeys: [MASTER] }).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'store-unreachable' })
  expect(String(error)).not.toContain('c4n4ry')
})
