export type KeyServerErrorCode =
  /** Without authorize it serves loopback only, and never under NODE_ENV=production. */
  | 'auth-required'
  /** There is a database but no master key beside it: restore the file, nothing is made anew. */
  | 'master-key-missing'
  /** The file is not 32 bytes in base64. */
  | 'master-key-invalid'
  /** The database was sealed under another master key. */
  | 'master-key-wrong'
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
