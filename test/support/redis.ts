import { onTestFinished } from 'vitest'
import type { ChildDatabase } from '../bin/child-database.mjs'
import { findRedis, startRedis } from '../bin/redis.mjs'

const command = findRedis()

/** Where there is no Redis, its tests are skipped by name; under CI=true they run, and fail for want of one. */
export const skipRedisTests = command === undefined && process.env.CI !== 'true'

/** A Redis of this test's own; `port`: that of one that was killed. */
export async function ownRedis(port?: number): Promise<ChildDatabase> {
  const redis = await startOwnRedis(port)
  onTestFinished(() => redis.stop())
  return redis
}

/** One that whoever starts it stops. */
export function startOwnRedis(port?: number): Promise<ChildDatabase> {
  if (command === undefined) throw new Error('no Redis on this machine: install one, with redis-server on the path')
  return startRedis(command, port)
}
