export type KeyServerErrorCode =
  /** Without authorize it serves loopback only, and never under NODE_ENV=production. */
  | 'auth-required'
  /** There is a database but no master key beside it: restore the file, nothing is made anew. */
  | 'master-key-missing'
  /** It is not 32 random bytes in base64. */
  | 'master-key-invalid'
  /** The database was sealed under another master key. */
  | 'master-key-wrong'
  /** Not all keys are under the first master key: another instance seals under another. */
  | 'master-key-mixed'
  /** The list of global keys has something else in it. */
  | 'global-keys-invalid'
  /** Keys were derived from a global key that is not in the list. */
  | 'global-key-missing'
  /** A way to make keys gave a hint that the document has had before. */
  | 'hint-taken'
  /** The database cannot be reached. */
  | 'store-unreachable'
  /** The way to make keys may not be used in production unless it is named there. */
  | 'method-weak'
  /** The database was written by a newer version. */
  | 'store-unsupported'
  /** The database, or a key in it, is not what was written: restore it from a backup, nothing is made anew. */
  | 'store-damaged'

/** Why a key server does not start, or does not answer. The message names files, never what is in them. */
export class KeyServerError extends Error {
  override readonly name = 'KeyServerError'
  readonly code: KeyServerErrorCode

  constructor(code: KeyServerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
