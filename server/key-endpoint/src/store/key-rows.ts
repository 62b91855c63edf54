import type { KeyState } from './key-store.ts'

/** One key as a database has it. */
export interface KeyRow {
  readonly keyHint: string
  readonly epoch: number
  readonly state: KeyState
  /** How the key comes of the secret (`methods/key-method.ts`). */
  readonly origin: string
  /** The secret under a sealing key; null where it is gone. */
  readonly sealed: Uint8Array | null
  /** Which sealing key. */
  readonly sealedBy: string | null
  /** base64url. */
  readonly record: string | null
  /** Unix time. */
  readonly createdMs: number
}

export interface NewRow {
  readonly keyHint: string
  readonly origin: string
  readonly sealed: Uint8Array
  readonly sealedBy: string
}

/**
 * The rows of a database, which knows no key. Each call is one transaction, is durable when it resolves, and holds for every instance of the
 * database: at most one row of a document is active.
 */
export interface KeyRows {
  /** The active row; with `after`, only if it is newer than that of this hint. */
  active(documentId: string, after?: string): Promise<KeyRow | undefined>
  byHint(documentId: string, keyHint: string): Promise<KeyRow | undefined>
  /** The newest that has a secret. */
  newest(documentId: string): Promise<KeyRow | undefined>
  /** All of the document, oldest first. */
  all(documentId: string): Promise<KeyRow[]>
  documents(): Promise<string[]>
  /** The active row; if there is none, the candidate becomes it. */
  activeOr(documentId: string, candidate: NewRow): Promise<KeyRow>
  /**
   * The candidate becomes the active row. With `after` only if the active row is not newer than that of this hint; a hint that is not
   * there is remembered as `lost`, just below the new row.
   */
  replace(documentId: string, after: string | undefined, candidate: NewRow): Promise<KeyRow>
  /** Adds a row made elsewhere, active where `isActive` and none is; undefined if its hint is taken. */
  add(documentId: string, row: NewRow, isActive: boolean): Promise<KeyRow | undefined>
  /** Where there is a secret and no record yet. */
  keepRecord(documentId: string, keyHint: string, record: string): Promise<void>
  /** Leaves those alone whose origin is `fixed`, as does `deactivateAll`: no other key can take their place. */
  deactivate(documentId: string, keyHint: string): Promise<void>
  deactivateAll(): Promise<number>
  /** Leaves the active row alone; of another the secret is gone when this resolves, as far as the database can see to it. */
  shred(documentId: string, keyHint: string): Promise<void>
  /** Only if it is still sealed as it was. */
  reseal(documentId: string, keyHint: string, before: Uint8Array, sealed: Uint8Array, sealedBy: string): Promise<void>
  /** Ids of the sealing keys that rows are under, of which the first is that which seals. */
  sealers(): Promise<string[]>
  setSealer(id: string): Promise<void>
  /** Every origin that a row has. */
  origins(): Promise<string[]>
  close(): Promise<void>
}

/** Small texts beside the rows. */
export interface Settings {
  /** The value that is kept: the first that was ever put. */
  keep(name: string, value: () => PromiseLike<string> | string): Promise<string>
}

/** The setting that names the sealing key of new rows. */
export const SEALER = 'master-key'
