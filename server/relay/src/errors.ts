/** `auth-required`: it would be reachable without access tokens. `storage`: the data directory cannot be used. */
export type RelayErrorCode = 'auth-required' | 'storage' | 'options'

/** A relay that cannot be started, and why. What happens to one client later is told on the wire, never thrown. */
export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code: RelayErrorCode

  constructor(code: RelayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
