import type { KeyStore } from './key-store.ts'
import type { MasterKey } from './master-key.ts'
import { openPostgresKeyStore } from './postgres-key-store.ts'
import { openHookedSqliteKeyStore, openSqliteKeyStore } from './sqlite-key-store.ts'

export interface KeyStoreOptions {
  /** A directory, made if missing, `'memory'`, or the URL of a PostgreSQL database (`postgres://…`). */
  readonly data: string
  /**
   * The first seals, the others still open what they have sealed. Default: the file `master.key` in the directory, made with it; a PostgreSQL
   * database has no default.
   */
  readonly masterKeys?: readonly MasterKey[]
}

export function isPostgresUrl(data: string): boolean {
  return /^postgres(ql)?:\/\//.test(data)
}

/** @throws KeyServerError (see its codes) */
export async function openKeyStore({ data, masterKeys }: KeyStoreOptions): Promise<KeyStore> {
  if (isPostgresUrl(data)) return await openPostgresKeyStore(data, masterKeys ?? [])
  const plain = masterKeys?.filter((key) => key instanceof Uint8Array)
  if (masterKeys && plain?.length !== masterKeys.length) return await openHookedSqliteKeyStore(data, masterKeys)
  return openSqliteKeyStore(data, plain)
}
