import { createHash } from 'node:crypto'

/** SHA-256 of an epoch record's bytes: how pins, joins and other records name it (protocol §4). */
export function recordHash(record: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(record).digest())
}

/** Whether two hashes are the same; two that are absent are. */
export function sameHash(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a && b ? Buffer.compare(a, b) === 0 : a === b
}
