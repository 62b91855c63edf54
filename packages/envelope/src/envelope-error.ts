import { ProtocolError } from '@y-sealed/protocol/header'

export type EnvelopeErrorCode =
  | 'malformed'
  | 'unsupported'
  | 'open-failed'
  | 'limit'
  | 'key-invalid'
  | 'key-weak'
  | 'caller'

/** Who has to change something: the sender of the bytes, the calling code, the platform, or this package. */
export type Fault = 'bytes' | 'caller' | 'platform' | 'us'

/**
 * The only error of this package. `malformed`: cannot be parsed; `unsupported`: parsed, not spoken; `open-failed`: the tag
 * did not verify, and nothing more is said; `limit`: too large to seal; `key-invalid`: not a usable document key;
 * `caller`: the API was used wrongly. No message ever holds a byte of a key, a plaintext or a secret.
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly code: EnvelopeErrorCode
  readonly fault: Fault

  constructor(code: EnvelopeErrorCode, fault: Fault, message: string) {
    super(message)
    this.code = code
    this.fault = fault
  }
}

export const malformed = (what: string) => new EnvelopeError('malformed', 'bytes', what)
export const unsupported = (what: string) => new EnvelopeError('unsupported', 'bytes', what)
export const misuse = (what: string) => new EnvelopeError('caller', 'caller', what)

/** Runs a parser of `@y-sealed/protocol/header` and turns its errors into ours. */
export function parsing<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError) throw new EnvelopeError(error.code, 'bytes', error.message)
    throw error
  }
}
