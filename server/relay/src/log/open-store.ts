import { RelayError } from '../errors.ts'
import type { LogStore } from './log-store.ts'
import { openSqliteLogStore } from './sqlite-log-store.ts'

/**
 * The store at this address: `memory`, `sqlite:DIRECTORY` or `postgres://…`. Throws RelayError `storage` where it cannot be used,
 * and `options` for what is no address; neither says the address, which may have a password.
 * `now`: unix ms; without it PostgreSQL's own clock is the one that counts.
 */
export async function openStore(address: string, now?: () => number): Promise<LogStore> {
  const [, scheme = '', path = ''] = /^([a-z]+):(.*)$/.exec(address) ?? []
  if (address === 'memory') return openSqliteLogStore('memory', now)
  if (scheme === 'sqlite' && path !== '') return openSqliteLogStore(path, now)
  throw new RelayError('options', 'store: expected memory, sqlite:DIRECTORY or postgres://…')
}
