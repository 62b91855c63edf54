import type { Page } from 'playwright-core'

/** Everything that a page has left in its browser: both storages, cookies, caches and every record of every IndexedDB. */
export async function readBrowserStorage(page: Page): Promise<string> {
  const cookies = await page.context().cookies()
  return JSON.stringify([cookies, await page.evaluate(readInPage)])
}

// Runs in the page.
async function readInPage(): Promise<unknown> {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const records: unknown[] = []
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name ?? ''))
    for (const store of database.objectStoreNames) {
      const values = await settled(database.transaction(store).objectStore(store).getAll())
      records.push(
        name,
        store,
        values.map((value) => JSON.stringify(value)),
      )
    }
    database.close()
  }
  return [{ ...localStorage }, { ...sessionStorage }, await caches.keys(), records]
}
