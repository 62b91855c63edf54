import { SEALER, type Settings } from './key-rows.ts'
import type { KeyStore } from './key-store.ts'
import type { MasterKey } from './master-key.ts'
import { openPostgres, type PostgresDatabase } from './postgres-database.ts'
import { createPostgresKeyRows } from './postgres-key-rows.ts'
import { migratePostgres, SETTINGS } from './postgres-schema.ts'
import { createSealedKeyStore } from './sealed-key-store.ts'
import { noMasterKey, resolveSealingKeys } from './sealing-keys.ts'

/**
 * Keys in PostgreSQL, for any number of instances that have the same master keys. Of these the first seals.
 * @throws KeyServerError `master-key-missing`, `master-key-invalid`, `master-key-wrong`, `store-unsupported`, `store-unreachable`;
 *   its calls reject with the last one too
 */
export async function openPostgresKeyStore(url: string, masterKeys: readonly MasterKey[]): Promise<KeyStore> {
  if (masterKeys.length === 0) throw noMasterKey()
  const database = await openPostgres(url)
  try {
    await database.transaction(migratePostgres)
    const settings = settingsOf(database)
    const sealing = await resolveSealingKeys(masterKeys, settings)
    await settings.keep(SEALER, () => sealing.newest.id)
    const rows = createPostgresKeyRows(database)
    for (const id of await rows.sealers()) sealing.get(id)
    return createSealedKeyStore(rows, sealing)
  } catch (error) {
    await database.close()
    throw error
  }
}

function settingsOf(database: PostgresDatabase): Settings {
  const read = async (name: string): Promise<string | undefined> =>
    (await database.query<{ value: string }>(`SELECT value FROM ${SETTINGS} WHERE name = $1`, [name]))[0]?.value
  return {
    async keep(name, value) {
      const kept = await read(name)
      if (kept !== undefined) return kept
      const mine = await value()
      await database.query(`INSERT INTO ${SETTINGS} (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [name, mine])
      return (await read(name)) ?? mine
    },
  }
}
