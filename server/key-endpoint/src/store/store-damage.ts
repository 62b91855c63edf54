import { KeyServerError } from '../key-server-error.ts'
import type { KeyRows } from './key-rows.ts'

/** SQLite's words for a file that is not, or not any more, what it wrote: SQLITE_ERROR (a table is not there), CORRUPT, CONSTRAINT, NOTADB. */
const DAMAGE_CODES: readonly number[] = [1, 11, 19, 26]

/** `store-damaged` where the error says so, else the error as it is: a full disk is no damage. */
export function damageOf(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'sqliteCode' in error ? error.sqliteCode : undefined
  // The higher bytes say more than is needed here.
  if (typeof code !== 'number' || !DAMAGE_CODES.includes(code & 0xff)) return error
  return new KeyServerError('store-damaged', 'the key database is damaged: restore it from a backup')
}

/** The same rows, whose calls reject with `store-damaged` where the file is. */
export function tellingOfDamage(rows: KeyRows): KeyRows {
  const telling =
    <Args extends unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await act(...args)
      } catch (error) {
        throw damageOf(error)
      }
    }
  return {
    active: telling(rows.active),
    byHint: telling(rows.byHint),
    newest: telling(rows.newest),
    all: telling(rows.all),
    documents: telling(rows.documents),
    activeOr: telling(rows.activeOr),
    replace: telling(rows.replace),
    add: telling(rows.add),
    keepRecord: telling(rows.keepRecord),
    deactivate: telling(rows.deactivate),
    deactivateAll: telling(rows.deactivateAll),
    shred: telling(rows.shred),
    reseal: telling(rows.reseal),
    sealers: telling(rows.sealers),
    setSealer: telling(rows.setSealer),
    origins: telling(rows.origins),
    close: telling(rows.close),
  }
}
