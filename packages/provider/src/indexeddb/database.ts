/**
 * `about`: `lock` (whose key opens the rest) and `pins` (where this device stood). `cache`: the log through there, row by row. `outbox`: what this
 * user wrote and nobody has acked. `damaged`: what does not open, as it was found.
 */
export type StoreName = 'about' | 'cache' | 'outbox' | 'damaged'
export const ALL_STORES: readonly StoreName[] = ['about', 'cache', 'outbox', 'damaged']

const FORMAT = 1
/** Some browsers leave an opening unanswered for good (after an update, say): an editor does not wait for that. */
const OPEN_PATIENCE_MS = 10_000

/** @param onGone another tab deletes the store, or the browser has taken it away */
export function openDatabase(name: string, onGone: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, FORMAT)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new Error('opening was not answered'))
    }, OPEN_PATIENCE_MS)
    request.onupgradeneeded = () => {
      const database = request.result
      database.createObjectStore('about')
      database.createObjectStore('cache')
      database.createObjectStore('outbox', { autoIncrement: true })
      database.createObjectStore('damaged', { autoIncrement: true })
    }
    request.onerror = () => {
      clearTimeout(timer)
      reject(request.error)
    }
    request.onsuccess = () => {
      clearTimeout(timer)
      const database = request.result
      if (isLate) {
        database.close()
        return
      }
      const leave = (): void => {
        database.close()
        onGone()
      }
      database.onversionchange = leave
      database.onclose = leave
      resolve(database)
    }
  })
}

/** Runs one transaction. Resolves with what `act` returned once it is durable; requests have their results then. */
export function transact<Result>(
  database: IDBDatabase,
  stores: readonly StoreName[],
  mode: 'readonly' | 'readwrite',
  act: (store: (name: StoreName) => IDBObjectStore) => Result,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    // Strict: what is told as stored survives a crash of the machine, not only of the browser.
    const transaction = database.transaction([...stores], mode, { durability: 'strict' })
    let result: Result
    transaction.oncomplete = () => resolve(result)
    transaction.onabort = () => reject(transaction.error ?? new DOMException('aborted', 'AbortError'))
    try {
      result = act((name) => transaction.objectStore(name))
    } catch (error) {
      // Nothing of it, rather than half.
      transaction.abort()
      reject(error)
    }
  })
}

/** Resolves when it is gone; other tabs let go of it first. */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}
