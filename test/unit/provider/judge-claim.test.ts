import { expect, it } from 'vitest'
import { judgeClaim } from '../../../packages/provider/src/witness/judge-claim.ts'
import { LogHashes } from '../../../packages/provider/src/witness/log-hashes.ts'

const hashOf = (sequence: number): Uint8Array => new Uint8Array(32).fill(sequence)

function hashesThrough(last: number): LogHashes {
  const hashes = new LogHashes()
  hashes.begin(5, hashOf(5))
  for (let sequence = 6; sequence <= last; sequence++) hashes.remember(sequence, hashOf(sequence % 251))
  return hashes
}

it.each([
  ['the H that was read there', 7, hashOf(7), 'agrees'],
  ['where the reader began', 5, hashOf(5), 'agrees'],
  ['right before the entry itself', 9, hashOf(9), 'agrees'],
  ['another H', 7, hashOf(8), 'differs'],
  ['an H that differs in its last byte', 7, Uint8Array.from([...hashOf(7).subarray(1), 0]), 'differs'],
  ['a place before the reader began', 4, hashOf(4), 'unknown'],
  ['its own place', 10, hashOf(10), 'ahead'],
  ['a place behind itself', 4_711, hashOf(1), 'ahead'],
  ['a place before the epoch', 2, hashOf(2), 'impossible'],
])('entry 10 of an epoch behind 3 names %s', (_, sequence, hash, verdict) => {
  const hashes = hashesThrough(9)
  const place = { sequence: 10, epochStart: 3, hashAt: (at: number) => hashes.at(at) }
  expect(judgeClaim({ sequence, hash }, place)).toBe(verdict)
})

it('of 5,000 entries the last 1,024 can be compared', () => {
  const hashes = hashesThrough(5_000)
  expect([3_976, 3_977, 5_000].map((sequence) => hashes.at(sequence) !== undefined)).toEqual([false, true, true])
})
