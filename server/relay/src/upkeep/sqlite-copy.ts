import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { RelayError } from '../errors.ts'
import { makeDirectory } from '../log/make-directory.ts'
import { DATABASE_FILE, usable } from '../log/sqlite-database.ts'
import { schemaOf } from '../log/sqlite-schema.ts'
import { checkIntegrity } from './sqlite-integrity.ts'

// A relay that starts or stops holds its file for a moment.
const BUSY_MS = 5_000

/**
 * Copies the store in one directory to another, which must have none: one consistent moment of it, also while a relay writes on. The copy is on the
 * disk and sound, as far as SQLite can tell, before it has its name. Throws RelayError `storage`.
 */
export function copySqliteStore(from: string, to: string): void {
  const source = join(from, DATABASE_FILE)
  const target = join(to, DATABASE_FILE)
  // SQLite would make an empty one.
  if (!existsSync(source)) throw new RelayError('storage', `there is no store in ${from}`)
  if (existsSync(target)) throw new RelayError('storage', `there is a store in ${to} already: nothing was written`)
  usable('the store cannot be copied', () => {
    makeDirectory(to)
    const part = `${target}.part`
    rmSync(part, { force: true })
    try {
      copyFile(source, part)
      checkFile(part)
      sync(part)
      renameSync(part, target)
      sync(to)
    } catch (error) {
      rmSync(part, { force: true })
      throw error
    }
  })
}

function copyFile(source: string, part: string): void {
  // Made before SQLite writes: nobody else may read it meanwhile.
  closeSync(openSync(part, 'wx', 0o600))
  const database = new DatabaseSync(source, { readOnly: true, timeout: BUSY_MS })
  try {
    database.prepare('VACUUM INTO ?').run(part)
  } finally {
    database.close()
  }
  chmodSync(part, 0o600)
}

function checkFile(part: string): void {
  const database = new DatabaseSync(part, { readOnly: true })
  try {
    schemaOf(database)
    checkIntegrity(database)
  } finally {
    database.close()
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
