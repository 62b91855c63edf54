import type { KeyRequest } from './contract.ts'

/**
 * Where keys come from: `keyEndpoint`, `staticKey` or any function. It returns, or promises by any thenable, a KeyAnswer
 * (protocol §5); what it returns is parsed, never trusted. It throws a KeyError to refuse; anything else it throws counts
 * as `key-unavailable` and is tried again.
 */
export interface KeySource {
  (request: KeyRequest, options?: { signal?: AbortSignal }): PromiseLike<unknown> | unknown
  /** The web origin of an endpoint, where there is one: a relay at the same origin is told of (design §1). */
  readonly origin?: string
}
