import { afterAll, describe, expect, test } from 'vitest'
import { ALL_TARGETS } from './all-targets.ts'
import { describe as described } from './main.ts'
import { runTarget } from './run-target.ts'
import { Watchdog } from './watchdog.ts'

// A sample of `npm run fuzz`: fixed cases, and everything that was ever a finding.

const SEED = 'sample/1'
const watchdog = new Watchdog(
  ALL_TARGETS.map(({ name }) => name),
  SEED,
)
afterAll(() => watchdog.stop())

describe(`bytes from a stranger, seed ${SEED}`, () => {
  test.each(ALL_TARGETS.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const report = await runTarget(target, { seed: SEED, cases: target.sampleCases, watchdog })
    expect(report.cases).toBe(target.sampleCases)
    const met = Object.keys(report.decisions)
    expect(met, described(report)).toEqual(expect.arrayContaining([...target.mustMeet]))
  })
})
