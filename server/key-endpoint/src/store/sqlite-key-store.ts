import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { SEALER, type Settings } from './key-rows.ts'
import type { KeyStore } from './key-store.ts'
import type { MasterKey } from './master-key.ts'
import { createSealedKeyStore } from './sealed-key-store.ts'
import { resolveSealingKeys, type SealingKeys, sealingKeysOf } from './sealing-keys.ts'
import { openKeyDatabase } from './sqlite-database.ts'
import { createSqliteKeyRows } from './sqlite-key-rows.ts'
import { keepSqliteSetting, sqliteSealers, sqliteSetting } from './sqlite-schema.ts'
import { damageOf, tellingOfDamage } from './store-damage.ts'

/**
 * Keys in SQLite, each sealed under a master key: by default the file `master.key` beside the database, made with it. A copy of the database
 * alone opens nothing. `directory` may be `'memory'`: then all is gone at close. Of several master keys the first seals.
 * @throws KeyServerError `master-key-missing`, `master-key-invalid`, `master-key-wrong`, `store-unsupported`, `store-damaged`;
 *   its calls reject with the last one too
 */
export function openSqliteKeyStore(directory: string, masterKeys?: readonly Uint8Array[]): KeyStore {
  return opening(directory, !masterKeys, (db, master) => {
    const keys = masterKeys ?? (master ? [master] : [])
    return storeOf(db, sealingKeysOf(keys))
  })
}

/** The same with master keys of which some are in a KMS. */
export async function openHookedSqliteKeyStore(directory: string, masterKeys: readonly MasterKey[]): Promise<KeyStore> {
  return await opening(directory, false, async (db) => {
    try {
      return storeOf(db, await resolveSealingKeys(masterKeys, settingsOf(db)))
    } catch (error) {
      db.close()
      throw damageOf(error)
    }
  })
}

function opening<T>(directory: string, withMaster: boolean, open: (db: DatabaseSyncInstance, master?: Buffer) => T): T {
  let db: DatabaseSyncInstance | undefined
  try {
    const opened = openKeyDatabase(directory, withMaster)
    db = opened.db
    return open(db, opened.master)
  } catch (error) {
    db?.close()
    throw damageOf(error)
  }
}

function storeOf(db: DatabaseSyncInstance, sealing: SealingKeys): KeyStore {
  keepSqliteSetting(db, SEALER, sealing.newest.id)
  for (const id of sqliteSealers(db)) sealing.get(id)
  return createSealedKeyStore(tellingOfDamage(createSqliteKeyRows(db)), sealing)
}

function settingsOf(db: DatabaseSyncInstance): Settings {
  return {
    keep: async (name, value) => sqliteSetting(db, name) ?? keepSqliteSetting(db, name, await value()),
  }
}
