import { KeyServerError } from '../key-server-error.ts'
import { globalKeyOf, isDerived } from '../methods/derived-keys.ts'
import { FIXED } from '../methods/fixed-keys.ts'
import type { KeptSecret, KeyMethod } from '../methods/key-method.ts'
import { keyOfSecret } from '../methods/key-of-secret.ts'
import { isSalt, SALTED, saltedKey } from '../methods/salted-keys.ts'
import { STORED, storedKeys } from '../methods/stored-keys.ts'
import type { KeyRow, KeyRows, NewRow } from './key-rows.ts'
import type { FoundKey, IssuedKey, KeyEntry, KeyStore } from './key-store.ts'
import { openAtRest, sealAtRest } from './sealed-at-rest.ts'
import type { SealingKeys } from './sealing-keys.ts'

/** Keys of the rows of a database, which has them sealed only. */
export function createSealedKeyStore(rows: KeyRows, sealing: SealingKeys, method: KeyMethod = storedKeys): KeyStore {
  const { globalKeys } = method

  function seal({ documentId, keyHint, origin, secret }: KeptSecret): NewRow {
    const { id, bytes } = sealing.newest
    return { keyHint, origin, sealed: sealAtRest(bytes, { documentId, keyHint, origin }, secret), sealedBy: id }
  }

  function unseal(documentId: string, { keyHint, origin, sealed, sealedBy }: KeyRow): KeptSecret | undefined {
    if (!sealed) return undefined
    const place = { documentId, keyHint, origin }
    return { ...place, secret: openAtRest(sealing.get(sealedBy).bytes, place, sealed) }
  }

  function open(documentId: string, row: KeyRow | undefined): IssuedKey | undefined {
    const kept = row && unseal(documentId, row)
    return kept && row && issued(row, keyOfSecret(kept, globalKeys))
  }

  function opened(documentId: string, row: KeyRow): IssuedKey {
    const key = open(documentId, row)
    if (!key) throw new KeyServerError('store-damaged', 'the active key is not there')
    return key
  }

  async function make(documentId: string): Promise<NewRow> {
    const newest = await rows.newest(documentId)
    const made = await method.make(documentId, newest && unseal(documentId, newest))
    return seal({ documentId, ...made })
  }

  /** What two of the methods promise of hints that no row has. */
  async function findUnasked(documentId: string, keyHint: string): Promise<FoundKey | undefined> {
    const row = await rows.newest(documentId)
    if (row?.origin === FIXED) return open(documentId, row)
    if (row?.origin !== SALTED || !isSalt(keyHint)) return undefined
    const kept = unseal(documentId, row)
    if (!kept) return undefined
    // The hint's number is not known here, only that it is not the one that is written with.
    const { epoch: _, ...known } = issued(row, saltedKey({ ...kept, keyHint }))
    return { ...known, keyHint, active: false, record: null }
  }

  async function find(documentId: string, keyHint: string): Promise<FoundKey | undefined> {
    const row = await rows.byHint(documentId, keyHint)
    return row ? open(documentId, row) : await findUnasked(documentId, keyHint)
  }

  async function entry(documentId: string, keyHint: string): Promise<KeyEntry | undefined> {
    const row = await rows.byHint(documentId, keyHint)
    return row && entryOf(row)
  }

  return {
    find,
    current: async (documentId, after) => open(documentId, await rows.active(documentId, after)),
    async currentOrNew(documentId) {
      const active = await rows.active(documentId)
      return opened(documentId, active ?? (await rows.activeOr(documentId, await make(documentId))))
    },
    async rotate(documentId, after) {
      const active = await rows.active(documentId)
      // The client notices that it was given the same key, and says that nothing can be rotated.
      if (method.name === FIXED && active?.origin === FIXED) return opened(documentId, active)
      return opened(documentId, await rows.replace(documentId, after, await make(documentId)))
    },
    async keepRecord(documentId, keyHint, record) {
      await rows.keepRecord(documentId, keyHint, record)
      return await find(documentId, keyHint)
    },
    async deactivate(documentId, keyHint) {
      await rows.deactivate(documentId, keyHint)
      return await entry(documentId, keyHint)
    },
    deactivateAll: () => rows.deactivateAll(),
    async shred(documentId, keyHint) {
      await rows.shred(documentId, keyHint)
      return await entry(documentId, keyHint)
    },
    list: async (documentId) => (await rows.all(documentId)).map(entryOf),
    documents: () => rows.documents(),
    async add(documentId, { keyHint, key, isActive }) {
      const row = seal({ documentId, keyHint, origin: STORED, secret: key })
      if (await rows.add(documentId, row, isActive)) return 'added'
      return (await find(documentId, keyHint))?.key === key ? 'known' : 'taken'
    },
    async rewrap() {
      const { id } = sealing.newest
      let count = 0
      for (const documentId of await rows.documents()) {
        for (const row of await rows.all(documentId)) {
          const kept = row.sealedBy === id ? undefined : unseal(documentId, row)
          if (!kept || !row.sealed) continue
          const { sealed, sealedBy } = seal(kept)
          await rows.reseal(documentId, row.keyHint, row.sealed, sealed, sealedBy)
          count++
        }
      }
      await rows.setSealer(id)
      if ((await rows.sealers()).some((other) => other !== id)) {
        throw new KeyServerError('master-key-mixed', 'another instance still seals under an older master key')
      }
      return count
    },
    using: (other) => createSealedKeyStore(rows, sealing, globalKeys ? { globalKeys, ...other } : other),
    async checkOrigins() {
      for (const origin of await rows.origins()) if (isDerived(origin)) globalKeyOf(origin, globalKeys)
    },
    close: () => rows.close(),
  }
}

function issued({ keyHint, epoch, origin, state, record, createdMs }: KeyRow, key: string): IssuedKey {
  return { key, keyHint, epoch, origin, active: state === 'active', record, createdMs }
}

function entryOf({ keyHint, epoch, state, record, createdMs }: KeyRow): KeyEntry {
  return { keyHint, epoch, state, record, createdMs }
}
