import { describe, expect, it } from 'vitest'
import { pruneStep, type RunSize, STEP_RUNS } from '../../../server/relay/src/log/sweep-step.ts'

const MIB = 1024 * 1024

/** Runs of so many entries, one behind the other. */
function runs(counts: readonly number[], bodyBytes = 40): RunSize[] {
  let next = 1
  return counts.map((count) => {
    const first = next
    next += count
    return { first, count, bodyBytes }
  })
}

describe('what one step of a sweep deletes', () => {
  it('is nothing where no run is left', () => {
    expect(pruneStep([], 9)).toBeUndefined()
  })

  it('is all runs that end where it should or before', () => {
    expect(pruneStep(runs([2, 3, 4]), 9)).toEqual({ firstRun: 1, lastRun: 6, isLast: true })
  })

  it('is no run that goes on behind: it is never cut, and nothing else waits for it', () => {
    expect(pruneStep(runs([2, 3, 4]), 8)).toEqual({ firstRun: 1, lastRun: 3, isLast: true })
    expect(pruneStep(runs([4]), 3)).toBeUndefined()
  })

  it('is 4 MiB at the most, and then there is more', () => {
    expect(pruneStep(runs([1, 1, 1, 1], MIB), 9)).toEqual({ firstRun: 1, lastRun: 4, isLast: true })
    expect(pruneStep(runs([1, 1, 1, 1], MIB + 1), 9)).toEqual({ firstRun: 1, lastRun: 3, isLast: false })
  })

  it('is one run whatever its size: else the sweep would never end', () => {
    expect(pruneStep(runs([1, 1], 5 * MIB), 9)).toEqual({ firstRun: 1, lastRun: 1, isLast: false })
  })

  it('is not known to be the last while as many were asked for as there are', () => {
    const many = runs(Array.from({ length: STEP_RUNS }, () => 1))
    expect(pruneStep(many, 1_000)).toEqual({ firstRun: 1, lastRun: STEP_RUNS, isLast: false })
    expect(pruneStep(many.slice(1), 1_000)).toEqual({ firstRun: 2, lastRun: STEP_RUNS, isLast: true })
  })
})
