export type ProtocolErrorCode = 'malformed' | 'unsupported' | 'limit'

/**
 * Bytes that break the format. `malformed`: they cannot be parsed. `unsupported`: they belong to a version or a kind that
 * this side does not speak. `limit`: they are longer than allowed. The message names the part, never its content.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
