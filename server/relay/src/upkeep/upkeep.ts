import type { Settings } from '../config/settings.ts'
import { RelayError } from '../errors.ts'
import { openStore } from '../log/open-store.ts'
import type { Verified } from '../verify/verify-store.ts'
import { verifyStore } from '../verify/verify-store.ts'
import { copySqliteStore } from './sqlite-copy.ts'
import { checkSqlite, migrateSqlite, vacuumSqlite } from './sqlite-upkeep.ts'

/** What an operator does with a store; the arguments are those of the command line. */
export type Upkeep =
  | { readonly act: 'backup'; readonly directory: string }
  | { readonly act: 'restore'; readonly directory: string }
  | { readonly act: 'verify' }
  | { readonly act: 'vacuum' }
  | { readonly act: 'migrate'; readonly apply: boolean }

export interface UpkeepResult {
  /** What was done or found, in lines. */
  readonly report: string
  /** 0, or 2: the store is damaged. */
  readonly exitCode: 0 | 2
}

// Whoever reads them has enough to do with the first.
const MAX_DAMAGES = 100

/** Throws RelayError `storage` or `options` where it cannot be done. */
export async function keepUp(upkeep: Upkeep, settings: Settings): Promise<UpkeepResult> {
  switch (upkeep.act) {
    case 'backup':
      copySqliteStore(sqliteDirectory(settings, 'pg_dump'), upkeep.directory)
      return done(`backed up to ${upkeep.directory}`)
    case 'restore':
      copySqliteStore(upkeep.directory, sqliteDirectory(settings, 'pg_restore'))
      return done(`restored from ${upkeep.directory}`)
    case 'vacuum': {
      const { before, after } = vacuumSqlite(sqliteDirectory(settings, "PostgreSQL's VACUUM"))
      return done(`${before} bytes before, ${after} after`)
    }
    case 'migrate':
      return migrate(settings, upkeep.apply)
    case 'verify':
      return await verify(settings)
  }
}

function migrate(settings: Settings, apply: boolean): UpkeepResult {
  const { from, to } = migrateSqlite(
    sqliteDirectory(settings, 'the first relay of the new version'),
    apply ? 'keep' : 'undo',
  )
  if (from === to) return done(`the store has schema ${to}, as this relay writes it: nothing to do`)
  return done(
    apply
      ? `the store had schema ${from} and has ${to}`
      : `the store has schema ${from} and can be taken to ${to}: nothing was changed, --apply does it`,
  )
}

async function verify(settings: Settings): Promise<UpkeepResult> {
  const address = storeAddress(settings)
  if (address.startsWith('sqlite:')) checkSqlite(address.slice('sqlite:'.length))
  const store = await openStore(address, { older: 'refuse' })
  try {
    return reportOf(await verifyStore(store.contents()))
  } finally {
    await store.close()
  }
}

function reportOf({ documents, epochs, entries, checkpoints, damages }: Verified): UpkeepResult {
  const counts = `${documents} documents, ${epochs} epochs, ${entries} entries, ${checkpoints} checkpoints`
  if (damages.length === 0) return done(`sound: ${counts}`)
  const lines = damages
    .slice(0, MAX_DAMAGES)
    .map(({ name, sequence, what }) => `damaged: ${JSON.stringify(name)} at ${sequence}: ${what}`)
  return { report: [...lines, `${damages.length} of ${counts} are damaged`, ''].join('\n'), exitCode: 2 }
}

function done(sentence: string): UpkeepResult {
  return { report: `${sentence}\n`, exitCode: 0 }
}

function storeAddress({ store, data }: Settings): string {
  return store ?? `sqlite:${data}`
}

/** `instead`: what does the same for a store that is no file. */
function sqliteDirectory(settings: Settings, instead: string): string {
  const [, directory] = /^sqlite:(.+)$/.exec(storeAddress(settings)) ?? []
  if (directory === undefined)
    throw new RelayError('options', `this is for stores in a directory; for this one use ${instead}`)
  return directory
}
