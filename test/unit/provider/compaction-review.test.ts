import { expect, it } from 'vitest'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { compareJoined } from '../../../packages/provider/src/session/compare-joined.ts'

// What a review of checkpoints has found, where a unit shows it.

/** Every second letter of a long text was deleted. */
function worn(ranges: number): LogState {
  const state = new LogState()
  for (let i = 0; i < ranges; i++) {
    state.addDeletes({ clients: new Map([[1, [{ clock: 2 * i, len: 1 }]]]) } as never)
  }
  return state
}

it('what a checkpoint lacks is taken out of the log state in a time that the page does not notice', () => {
  // A paper of 260,000 edits has some thousands; a checkpoint that is empty lacks them all.
  const removalMs = (ranges: number) => {
    const [state, lacking] = [worn(ranges), worn(ranges)]
    const before = performance.now()
    state.removeAll(lacking)
    const tookMs = performance.now() - before
    expect(state.isEmpty).toBe(true)
    return tookMs
  }
  const best = (ranges: number) => Math.min(...Array.from({ length: 5 }, () => removalMs(ranges)))
  best(500)
  // Eight times the ranges, eight times as long, and twice that for whatever else runs here; were it quadratic, it would be 64.
  expect(best(4_000)).toBeLessThan(16 * Math.max(best(500), 0.5))
})

it('a relay that says that it has pruned behind its own newest entry contradicts itself, and that is no way round `rollback`', () => {
  const verdict = compareJoined(
    {
      type: 'joined',
      channel: 1,
      session: 1,
      role: 'write',
      sequence: 3,
      hash: new Uint8Array(8),
      confirmed: false,
      pruned: 1_000,
      newest: { checkpoint: new Uint8Array(32), sequence: 3, hash: new Uint8Array(32), bytes: 100 },
      records: [],
    },
    { is: 'known' },
    { holdsEpoch: true, cursor: 7, showsHeld: false },
  )
  expect(verdict.does).not.toBe('reload')
})
