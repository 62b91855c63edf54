import { leafHash, nextHash } from '@y-sealed/protocol'
import type { StoredRun } from './log-store.ts'
import { parseRunBody } from './run-body.ts'

/** The running hash after a run's leaves, from the one before it. */
export function chainHash(before: Uint8Array, leaves: readonly Uint8Array[]): Uint8Array {
  return leaves.reduce(nextHash, before)
}

/** The running hash after the entry `sequence` of this run. */
export function hashWithin(run: StoredRun, sequence: number): Uint8Array {
  const through = parseRunBody(run.body).slice(0, sequence - run.first + 1)
  return chainHash(
    run.hashBefore,
    through.map(({ proof, envelope }) => leafHash(proof, envelope)),
  )
}

/** What a run has through `sequence`; the run itself where that is behind it. */
export function runThrough(run: StoredRun, sequence: number): StoredRun {
  const count = sequence - run.first + 1
  if (count >= run.count) return run
  return { ...run, count, body: run.body.subarray(0, endOf(run, count)) }
}

/** What is left of a run after `sequence`; the run itself where that is before it. */
export function runAfter(run: StoredRun, sequence: number): StoredRun {
  const skipped = sequence - run.first + 1
  if (skipped <= 0) return run
  return {
    ...run,
    first: sequence + 1,
    count: run.count - skipped,
    hashBefore: hashWithin(run, sequence),
    body: run.body.subarray(endOf(run, skipped)),
  }
}

/** Where the first `count` entries of a run end in its body. */
function endOf(run: StoredRun, count: number): number {
  return parseRunBody(run.body)[count - 1]?.end ?? 0
}
