import { transact } from './database.ts'

/** The most that is kept of a damaged copy: what is in it is at the relay, too. */
const MAX_KEPT_ROWS = 1_024

/**
 * What does not open goes to `damaged`, as it was found: it is in nobody's way there, and somebody who can mend it finds it. `outbox`: numbers of its
 * rows; `cache`: the copy of the log; `pins`: where it stands, which counts without it, too.
 */
export async function setAside(
  database: IDBDatabase,
  { outbox, cache, pins }: { readonly outbox: readonly number[]; readonly cache: boolean; readonly pins: boolean },
): Promise<void> {
  await transact(database, ['about', 'cache', 'outbox', 'damaged'], 'readwrite', (store) => {
    const keep = (from: string, request: IDBRequest): void => {
      request.onsuccess = () => store('damaged').add({ from, found: request.result })
    }
    // What was typed later may rest on it: the others are sent, and stay here as well.
    if (outbox.length > 0) keep('outbox', store('outbox').getAll())
    for (const key of outbox) store('outbox').delete(key)
    if (pins) {
      keep('pins', store('about').get('pins'))
      store('about').delete('pins')
    }
    if (!cache) return
    keep('cache', store('cache').getAll(undefined, MAX_KEPT_ROWS))
    store('cache').clear()
  })
}
