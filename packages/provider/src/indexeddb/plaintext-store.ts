import * as Y from 'yjs'

/** What y-indexeddb 9 calls the store of its updates. */
const UPDATES = 'updates'

export interface PlaintextStore {
  /** All of it, as one update. */
  readonly update: Uint8Array
  /** Key of the newest row that is in it. */
  readonly newest: number
}

/** What a `y-indexeddb` store holds; undefined: there is none. Rejects with what IndexedDB or Yjs throws. */
export async function readPlaintextStore(name: string): Promise<PlaintextStore | undefined> {
  const database = await openExisting(name)
  if (database === undefined) return undefined
  try {
    if (!database.objectStoreNames.contains(UPDATES)) return undefined
    const store = database.transaction(UPDATES).objectStore(UPDATES)
    const [keys, updates] = await Promise.all([
      answer(store.getAllKeys()),
      answer(store.getAll() as IDBRequest<unknown[]>),
    ])
    const newest = keys.at(-1)
    if (typeof newest !== 'number') return { update: Y.encodeStateAsUpdate(new Y.Doc()), newest: 0 }
    const scratch = new Y.Doc()
    for (const update of updates) {
      if (!(update instanceof Uint8Array)) throw new TypeError('a row is no update')
      Y.applyUpdate(scratch, update)
    }
    return { update: Y.encodeStateAsUpdate(scratch), newest }
  } finally {
    database.close()
  }
}

/** Deletes it, unless something was written to it since. A page that still has it open keeps an empty one until it goes. */
export async function removePlaintextStore(name: string, { newest }: PlaintextStore): Promise<boolean> {
  const database = await openExisting(name)
  if (database === undefined) return true
  const isEmptied = await new Promise<boolean>((resolve, reject) => {
    const transaction = database.transaction(UPDATES, 'readwrite', { durability: 'strict' })
    const store = transaction.objectStore(UPDATES)
    let isSame = false
    const keys = store.getAllKeys()
    keys.onsuccess = () => {
      isSame = keys.result.every((key) => typeof key === 'number' && key <= newest)
      if (isSame) store.clear()
    }
    transaction.oncomplete = () => resolve(isSame)
    transaction.onabort = () => reject(transaction.error)
  })
  database.close()
  if (isEmptied) indexedDB.deleteDatabase(name)
  return isEmptied
}

/** Without making one. */
function openExisting(name: string): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    let isMissing = false
    request.onupgradeneeded = () => {
      isMissing = true
      request.transaction?.abort()
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => (isMissing ? resolve(undefined) : reject(request.error))
  })
}

function answer<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
