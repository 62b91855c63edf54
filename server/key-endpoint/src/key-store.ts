/** One issued key. A (document, hint) pair names the same key for ever. */
export interface IssuedKey {
  readonly key: string
  readonly keyHint: string
  /** From 1, rising with each key of the document. */
  readonly epoch: number
  /** At most one key per document is active: the one to write with. */
  readonly active: boolean
}

export interface KeyStore {
  /** The document's active key. */
  current(documentId: string): Promise<IssuedKey | undefined>
  /** The key that was issued with this hint for this document, however old. */
  find(documentId: string, keyHint: string): Promise<IssuedKey | undefined>
  /**
   * The active key, made now if there is none. However many callers and processes ask at once, all get the same one, and
   * none gets it before it is durable.
   */
  currentOrNew(documentId: string): Promise<IssuedKey>
  close(): Promise<void>
}
