import { describe, expect, test } from 'vitest'
import { BREAKS } from './breaks.ts'
import { type Run, run, titleOf } from './runs.ts'

// A sample of `npm run search`: every state of small worlds, by the functions that relay and provider run.

const SAMPLE: readonly Run[] = [
  { members: 2, start: 'started', left: { edits: 2, rotations: 2 } },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, cuts: 1 } },
  { members: 2, start: 'started', left: { edits: 1, rotations: 1, crashes: 1, relayCrashes: 1 } },
  { members: 3, start: 'started', left: { edits: 1, rotations: 2 } },
]

describe('one head epoch, every acked edit reachable, nobody waits for ever', () => {
  test.each(SAMPLE.map((each) => [titleOf(each), each] as const))('%s', (_, each) => {
    const { violation, isWhole, states } = run(each)
    expect(violation).toBeUndefined()
    expect(isWhole).toBe(true)
    expect(states).toBeGreaterThan(1_000)
  })
})

describe('a rule that is broken is found', () => {
  test.each(BREAKS.map((each) => [each.title, each] as const))('%s', (_, { rules, run: world, finds }) => {
    expect(run(world, { rules }).violation?.broken).toBe(finds)
  })
})
