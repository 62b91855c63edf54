import type { KeyMethod } from '../methods/key-method.ts'

/** One key that can be had. A (document, hint) pair names the same key for ever. */
export interface IssuedKey {
  readonly key: string
  readonly keyHint: string
  /** Above that of every key the document had before (see `epoch-number.ts`). */
  readonly epoch: number
  /** How it was made: `stored`, `salted`, `fixed`, or `derived:` and the name of a global key. */
  readonly origin: string
  /** At most one key per document is active: the one to write with. */
  readonly active: boolean
  /** base64url of the first recordHash that a writer reported for this hint. */
  readonly record: string | null
  /** Unix time. */
  readonly createdMs: number
}

/** The number is missing where nobody remembers it: a `salted` key of which a restored backup knows nothing. */
export type FoundKey = Omit<IssuedKey, 'epoch'> & { readonly epoch?: number }

export type KeyState =
  | 'active'
  /** Answered, but no longer written with. */
  | 'inactive'
  /** Destroyed on purpose. The hint is remembered, so that it never names another key. */
  | 'shredded'
  /** A client had a key of this hint and the store does not: it was restored from a backup that is older. */
  | 'lost'

/** What may be shown of a key to those who look after keys. */
export interface KeyEntry {
  readonly keyHint: string
  readonly epoch: number
  readonly state: KeyState
  readonly record: string | null
  /** Unix time; of a lost key, when it was missed. */
  readonly createdMs: number
}

/**
 * Keys by document. Whatever a call returns is durable, and holds for every process of the store: however many ask at
 * once, no two of them are ever given different active keys.
 */
export interface KeyStore {
  /** The document's active key; with `after`, only if it is newer than the key of that hint. */
  current(documentId: string, after?: string): Promise<IssuedKey | undefined>
  /** The key that was issued with this hint for this document, however old, unless it was shredded or lost. */
  find(documentId: string, keyHint: string): Promise<FoundKey | undefined>
  /** The active key, made now if there is none. */
  currentOrNew(documentId: string): Promise<IssuedKey>
  /**
   * A new active key in place of the one there is. With `after`: the active key if it is newer than the key of that hint,
   * so that all who leave one key get one other. A hint that the store does not know counts as newer than all it knows.
   */
  rotate(documentId: string, after?: string): Promise<IssuedKey>
  /** Keeps the record hash if the hint has none yet. Returns the key with the hash that is kept. */
  keepRecord(documentId: string, keyHint: string, record: string): Promise<FoundKey | undefined>
  /** Makes the key inactive if it is active, unless no other can take its place (`fixed`). */
  deactivate(documentId: string, keyHint: string): Promise<KeyEntry | undefined>
  /** Makes every key inactive; returns how many were active. */
  deactivateAll(): Promise<number>
  /** Destroys a key for ever and its bytes with it; leaves one alone that is active. */
  shred(documentId: string, keyHint: string): Promise<KeyEntry | undefined>
  /** All keys of the document, oldest first. */
  list(documentId: string): Promise<KeyEntry[]>
  /** Every document that ever had a key. */
  documents(): Promise<string[]>
  /** Adds a key made elsewhere; it becomes active where it is to be and none is. Nothing is ever replaced. */
  add(documentId: string, key: KeyMadeElsewhere): Promise<'added' | 'known' | 'taken'>
  /**
   * Seals what is under an older master key under the newest; how many there were. Rejects with KeyServerError `master-key-mixed` if another
   * instance goes on sealing under an older one.
   */
  rewrap(): Promise<number>
  /** The same keys; new ones are made in this way. */
  using(method: KeyMethod): KeyStore
  /** Rejects with KeyServerError `global-key-missing` if there are keys that could not be answered. */
  checkOrigins(): Promise<void>
  close(): Promise<void>
}

export interface KeyMadeElsewhere {
  readonly keyHint: string
  readonly key: string
  readonly isActive: boolean
}
