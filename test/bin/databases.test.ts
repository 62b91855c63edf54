import { existsSync } from 'node:fs'
import pg from 'pg'
import { createClient } from 'redis'
import { expect, it } from 'vitest'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { ownRedis, skipRedisTests } from '../support/redis.ts'

it.skipIf(skipPostgresTests)('a PostgreSQL of our own: each test gets an empty schema of it', async () => {
  const [one, other] = await Promise.all(
    [await freshPostgres(), await freshPostgres()].map(async (connectionString) => {
      const client = new pg.Client({ connectionString })
      await client.connect()
      return client
    }),
  )
  await one?.query('CREATE TABLE mine (id int)')
  await expect(other?.query('SELECT id FROM mine')).rejects.toMatchObject({ code: '42P01' })
  expect((await one?.query('SELECT id FROM mine'))?.rows).toEqual([])
  await Promise.all([one?.end(), other?.end()])
})

it.skipIf(skipRedisTests)('a Redis of our own: it can be killed, and started again on its port', async () => {
  const redis = await ownRedis()
  const answers = async (url: string) => {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    expect(await client.ping()).toBe('PONG')
    client.destroy()
  }
  await answers(redis.url)
  await redis.kill()
  await expect(answers(redis.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await ownRedis(Number(new URL(redis.url).port))
  await answers(redis.url)
  expect(existsSync(`/proc/${redis.processId}`)).toBe(false)
})
