import type { GlobalKeys } from './global-keys.ts'

/** What the store keeps for one hint of one document. */
export interface KeptSecret {
  readonly documentId: string
  readonly keyHint: string
  /** How the key comes of it: `stored`, `salted`, `fixed`, or `derived:` and the name of a global key. */
  readonly origin: string
  /** The key itself, or what it is derived from; kept sealed. */
  readonly secret: string
}

export type MadeSecret = Omit<KeptSecret, 'documentId'>

/** A way to make keys. The name stands in messages; what was made in one way is answered whatever way is used later. */
export interface KeyMethod {
  readonly name: string
  /** `newest` is what is kept for the newest key of the document that is left. */
  make(documentId: string, newest: KeptSecret | undefined): PromiseLike<MadeSecret> | MadeSecret
  /** What `derived` keys are derived from. */
  readonly globalKeys?: GlobalKeys
  /** A sentence for the log, where a leak or a loss costs more than one key. */
  readonly weakness?: string
}
