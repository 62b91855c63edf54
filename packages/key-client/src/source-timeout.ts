/**
 * After it a source counts as `key-unavailable`. keyEndpoint gives up after 10 s by itself; this is for functions that may
 * ask a person or several services, so that one promise that never settles cannot lock a document for good.
 */
export const MAX_SOURCE_TIMEOUT_MS = 60_000
