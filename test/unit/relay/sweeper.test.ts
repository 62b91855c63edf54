import { expect, it } from 'vitest'
import type { LogStore } from '../../../server/relay/src/log/log-store.ts'
import { sweepTerms } from '../../../server/relay/src/log/retention.ts'
import { createSweeper } from '../../../server/relay/src/log/sweeper.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const EVERY_MS = 60_000

/** A sweeper whose store has this many steps to do, each time. */
function sweeping(stepsDue: () => number | Promise<number>) {
  const clock = new FakeClock()
  const failures: unknown[] = []
  let [steps, left] = [0, 0]
  let isNew = true
  const sweep: LogStore['sweep'] = async () => {
    if (isNew) left = await stepsDue()
    isNew = left === 0
    if (left === 0) return false
    left--
    steps++
    return true
  }
  const sweeper = createSweeper({
    clock,
    // The only method that it uses.
    store: { sweep } as LogStore,
    terms: sweepTerms('head', { pruneGraceMs: 0, saltMs: 0 }),
    everyMs: EVERY_MS,
    onFailure: (error) => failures.push(error),
  })
  return { clock, sweeper, failures, steps: () => steps }
}

it('does all that is due, a step at a time, and again a minute later', async () => {
  const { clock, sweeper, steps } = sweeping(() => 3)
  sweeper.start()
  await clock.advance(EVERY_MS - 1)
  expect(steps()).toBe(0)
  await clock.advance(1)
  await sweeper.settled()
  expect(steps()).toBe(3)
  await clock.advance(EVERY_MS)
  await sweeper.settled()
  expect(steps()).toBe(6)
})

it('tells of a failure, and tries again', async () => {
  let isBroken = true
  const { clock, sweeper, steps, failures } = sweeping(() => (isBroken ? Promise.reject(new Error('disk')) : 1))
  sweeper.start()
  await clock.advance(EVERY_MS)
  expect(failures).toHaveLength(1)
  isBroken = false
  await clock.advance(EVERY_MS)
  expect(steps()).toBe(1)
})

it('stops between two steps, waits for the one under way, and leaves no timer', async () => {
  let begun = () => {}
  const beginning = new Promise<void>((resolve) => {
    begun = resolve
  })
  const { clock, sweeper, steps } = sweeping(() => {
    begun()
    return 1_000_000
  })
  sweeper.start()
  clock.advance(EVERY_MS).catch(() => {})
  await beginning
  await sweeper.stop()
  expect(steps()).toBeLessThan(1_000_000)
  expect(clock.waiting).toBe(0)
})
