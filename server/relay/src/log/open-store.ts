import { RelayError } from '../errors.ts'
import type { Durability } from './durability.ts'
import type { LogStore } from './log-store.ts'
import { openSqliteLogStore } from './sqlite-log-store.ts'

export interface StoreOptions {
  /** Unix ms; without it PostgreSQL's own clock is the one that counts. */
  now?: () => number
  durability?: Durability
}

/**
 * The store at this address: `memory`, `sqlite:DIRECTORY` or `postgres://…`. Throws RelayError `storage` where it cannot be used,
 * and `options` for what is no address; neither says the address, which may have a password.
 */
export async function openStore(address: string, { now, durability }: StoreOptions = {}): Promise<LogStore> {
  const [, scheme = '', path = ''] = /^([a-z]+):(.*)$/.exec(address) ?? []
  if (address === 'memory') return openSqliteLogStore('memory', now, durability)
  if (scheme === 'sqlite' && path !== '') return openSqliteLogStore(path, now, durability)
  throw new RelayError('options', 'store: expected memory, sqlite:DIRECTORY or postgres://…')
}
