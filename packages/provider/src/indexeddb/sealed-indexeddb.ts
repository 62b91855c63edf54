import type { Persistence } from '../local/persistence.ts'
import { SealedError } from '../sealed-error.ts'
import { SealedCopy, type SealedCopyOptions } from './sealed-copy.ts'

export interface SealedIndexedDBOptions {
  /** Opens the copy without the key endpoint, by a key that this browser keeps; default false. What that gives away: docs/offline.md. */
  offlineUnlock?: boolean
  /** Whose copy it is, where several people use one browser profile: each has a store of their own. */
  account?: string
  /** Name of a `y-indexeddb` store (there: the first argument): its content is taken over, and it is deleted once a sealed copy of it is durable. */
  migrateFrom?: string
  /** Asks the browser not to clear the store when room gets short (`navigator.storage.persist()`; Firefox asks its user); default true. */
  askToPersist?: boolean
}

const KNOWN: Record<keyof SealedIndexedDBOptions, string> = {
  offlineUnlock: 'boolean',
  account: 'string',
  migrateFrom: 'string',
  askToPersist: 'boolean',
}

/**
 * Keeps a document on this device, sealed: for the provider's option `persistence`. Browsers only: elsewhere the provider throws SealedError
 * `unsupported` when it is made. Throws TypeError for an option that does not exist or has a value of the wrong kind.
 */
export function sealedIndexedDB(options: SealedIndexedDBOptions = {}): Persistence {
  for (const [name, value] of Object.entries(options)) {
    const type = Object.hasOwn(KNOWN, name) ? KNOWN[name as keyof SealedIndexedDBOptions] : undefined
    if (type === undefined)
      throw new TypeError(`sealedIndexedDB has no option "${name}"; it knows ${Object.keys(KNOWN).join(', ')}`)
    if (value !== undefined && typeof value !== type)
      throw new TypeError(`option ${name} must be a ${type}; got ${typeof value}`)
  }
  const { offlineUnlock = false, account = '', migrateFrom, askToPersist = true } = options
  const chosen: SealedCopyOptions = { offlineUnlock, account, migrateFrom, askToPersist }
  return {
    attach: (ports) => {
      if (typeof indexedDB === 'undefined')
        throw new SealedError('unsupported', 'there is no IndexedDB here: sealedIndexedDB is for browsers', 'indexeddb')
      return new SealedCopy(ports, chosen)
    },
  }
}
