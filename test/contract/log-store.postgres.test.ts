import pg from 'pg'
import { afterAll, describe } from 'vitest'
import { openPostgresLogStore, type SharedLogStore } from '../../server/relay/src/log/postgres-log-store.ts'
import { freshPostgres, skipPostgresTests } from '../support/postgres.ts'
import { describeLogStore } from './log-store.contract.ts'
import { describeCheckpointsOfLogStore } from './log-store-checkpoints.contract.ts'
import { describeDeletionOfLogStore } from './log-store-deletion.contract.ts'
import { describeEpochsOfLogStore } from './log-store-epochs.contract.ts'
import { describePruningOfLogStore } from './log-store-pruning.contract.ts'
import { describeQuotasOfLogStore } from './log-store-quota.contract.ts'

const TABLES = 'documents, records, runs, salts, checkpoints, chunks, replaced'

for (const [name, partitions] of [
  ['PostgreSQL', 0],
  ['PostgreSQL in 4 partitions', 4],
] as const) {
  describe.skipIf(skipPostgresTests)(name, () => {
    let used: { url: string; client: pg.Client } | undefined

    /** The same tables again, emptied: to make them anew for each test would be most of what it does. */
    async function open(now?: () => number): Promise<SharedLogStore> {
      if (used) {
        await used.client.query(`TRUNCATE ${TABLES}`)
      } else {
        const url = await freshPostgres()
        used = { url, client: new pg.Client({ connectionString: url }) }
        await used.client.connect()
      }
      return await openPostgresLogStore(used.url, { now, partitions })
    }
    afterAll(() => used?.client.end())

    describeLogStore(name, () => open())
    describeEpochsOfLogStore(name, open)
    describeCheckpointsOfLogStore(name, open)
    describePruningOfLogStore(name, open)
    describeQuotasOfLogStore(name, open)
    describeDeletionOfLogStore(name, () => open())
  })
}
