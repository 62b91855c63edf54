import 'fake-indexeddb/auto'

/** What a browser keeps for an origin: everything of every IndexedDB, as it could be copied from a profile. */
export type DeviceImage = ReadonlyMap<string, ReadonlyMap<string, ReadonlyArray<readonly [IDBValidKey, unknown]>>>

const settled = <Result>(request: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

export async function databaseNames(): Promise<string[]> {
  return (await indexedDB.databases()).flatMap(({ name }) => name ?? [])
}

async function withDatabase<Result>(name: string, act: (database: IDBDatabase) => Promise<Result>): Promise<Result> {
  const database = await settled(indexedDB.open(name))
  try {
    return await act(database)
  } finally {
    database.close()
  }
}

export async function copyDevice(): Promise<DeviceImage> {
  const image = new Map<string, Map<string, Array<readonly [IDBValidKey, unknown]>>>()
  for (const name of await databaseNames()) {
    const stores = new Map<string, Array<readonly [IDBValidKey, unknown]>>()
    await withDatabase(name, async (database) => {
      const names = [...database.objectStoreNames]
      if (names.length === 0) return
      // Of one moment, as a crash leaves it.
      const transaction = database.transaction(names)
      const read = names.map(async (each) => {
        const store = transaction.objectStore(each)
        const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())])
        stores.set(
          each,
          keys.map((key, at) => [key, values[at]] as const),
        )
      })
      await Promise.all(read)
    })
    image.set(name, stores)
  }
  return image
}

/** Puts everything back as it was. */
export async function restoreDevice(image: DeviceImage): Promise<void> {
  for (const [name, stores] of image)
    for (const [store, rows] of stores) await changeStore(name, store, () => rows.map(([key, value]) => [key, value]))
}

/** Has the rows of a store be others. */
export async function changeStore(
  name: string,
  store: string,
  change: (rows: Array<[IDBValidKey, unknown]>) => Array<[IDBValidKey, unknown]>,
): Promise<void> {
  const rows = (await copyDevice()).get(name)?.get(store) ?? []
  const changed = change(rows.map(([key, value]) => [key, value]))
  await withDatabase(name, async (database) => {
    const transaction = database.transaction(store, 'readwrite')
    const objects = transaction.objectStore(store)
    objects.clear()
    for (const [key, value] of changed) {
      if (objects.autoIncrement || objects.keyPath === null) objects.put(value, key)
    }
    await new Promise((resolve) => {
      transaction.oncomplete = resolve
    })
  })
}

/** A device of nobody yet: what one test leaves is not another's. */
export async function emptyDevice(): Promise<void> {
  for (const name of await databaseNames()) await settled(indexedDB.deleteDatabase(name))
}

/** Every byte string that stands somewhere in it. */
export function bytesIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  if (value instanceof Map) return [...value.values()].flatMap(bytesIn)
  if (Array.isArray(value)) return value.flatMap(bytesIn)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(bytesIn)
  return []
}
