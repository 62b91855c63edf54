import type { LogHead } from './log-store.ts'

/** Of a log without an epoch: there is nothing to hash yet. */
export const EMPTY_HEAD: LogHead = { sequence: 0, hash: new Uint8Array(32) }
