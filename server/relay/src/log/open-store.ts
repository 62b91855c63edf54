import { RelayError } from '../errors.ts'
import type { Durability } from './durability.ts'
import type { LogStore } from './log-store.ts'
import { openSqliteLogStore } from './sqlite-log-store.ts'
import type { OlderSchema } from './sqlite-schema.ts'

export interface StoreOptions {
  /** Unix ms; without it PostgreSQL's own clock is the one that counts. */
  now?: () => number
  durability?: Durability
  /** What becomes of a store of an older schema; default: it gets what it lacks. */
  older?: OlderSchema
  /** Into how many parts a new PostgreSQL store divides its tables; default: none. */
  partitions?: number
}

/**
 * The store at this address: `memory`, `sqlite:DIRECTORY` or `postgres://…`. Throws RelayError `storage` where it cannot be used,
 * and `options` for what is no address; neither says the address, which may have a password.
 */
export async function openStore(
  address: string,
  { now, durability, older, partitions = 0 }: StoreOptions = {},
): Promise<LogStore> {
  const [, scheme = '', path = ''] = /^([a-z]+):(.*)$/.exec(address) ?? []
  if (address === 'memory') return openSqliteLogStore('memory', now, durability, older)
  if (scheme === 'postgres' || scheme === 'postgresql') {
    // Loaded where it is asked for: the embedded default does without the driver.
    const { openPostgresLogStore } = await import('./postgres-log-store.ts')
    return await openPostgresLogStore(address, { now, partitions })
  }
  if (scheme === 'sqlite' && path !== '') return openSqliteLogStore(path, now, durability, older)
  throw new RelayError('options', 'store: expected memory, sqlite:DIRECTORY or postgres://…')
}
