export type KeyErrorCode =
  /** No source of keys was given. */
  | 'key-missing'
  /** The answer is not a usable key, or the endpoint breaks the contract. Asking again will not help. */
  | 'key-invalid'
  /** The key can be guessed and the caller asked to refuse such keys. */
  | 'key-weak'
  /** 401 or 403: this user may not have the key. */
  | 'key-refused'
  /** 404: the endpoint does not know the hint. */
  | 'key-unknown'
  /** Network, 5xx, 429 or time-out: ask again, later. */
  | 'key-unavailable'

/** Who can do something about it: `bytes` what the endpoint answered, `caller` the app or user, `platform` the network. */
export type KeyErrorFault = 'bytes' | 'caller' | 'platform'

const FAULT_BY_CODE: Record<KeyErrorCode, KeyErrorFault> = {
  'key-missing': 'caller',
  'key-invalid': 'bytes',
  'key-weak': 'caller',
  'key-refused': 'caller',
  'key-unknown': 'caller',
  'key-unavailable': 'platform',
}

export interface KeyErrorDetails {
  readonly fault?: KeyErrorFault
  /** Default: true for `key-unavailable`. */
  readonly retryable?: boolean
  /** The endpoint's own wish (Retry-After), or what is left of the time for which a refusal is remembered. */
  readonly retryAfterMs?: number
  /** Of the endpoint's answer: HTTP's, where there was one. */
  readonly status?: number
}

/**
 * Why there is no key. Custom key sources throw it to say `key-refused` or `key-unknown`.
 * It never has a `cause`: what a parser or a source throws may quote the answer, and the answer is a key.
 */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  readonly code: KeyErrorCode
  readonly fault: KeyErrorFault
  readonly retryable: boolean
  readonly retryAfterMs?: number
  readonly status?: number

  constructor(code: KeyErrorCode, message: string, details: KeyErrorDetails = {}) {
    super(message)
    this.code = code
    this.fault = details.fault ?? FAULT_BY_CODE[code]
    this.retryable = details.retryable ?? code === 'key-unavailable'
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs
    if (details.status !== undefined) this.status = details.status
  }
}
