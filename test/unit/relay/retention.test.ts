import { describe, expect, it } from 'vitest'
import { checkRetention, parseRetention, sweepTerms } from '../../../server/relay/src/log/retention.ts'

const limits = { pruneGraceMs: 600, saltMs: 7_200 }

describe('what an operator writes', () => {
  it.each([
    ['all', 'all'],
    ['head', 'head'],
    ['30d', 2_592_000_000],
    ['12h', 43_200_000],
    ['90m', 5_400_000],
    ['1m', 60_000],
  ])('%s is %s', (text, retention) => {
    expect(parseRetention(text)).toBe(retention)
  })

  it.each(['', '30', 'd', '0d', '-1d', '1.5d', '30 d', '30D', '30s', 'ALL', '1d ', '1000000d'])(
    '"%s" is none',
    (text) => {
      expect(parseRetention(text)).toBeUndefined()
    },
  )
})

describe('what a sweep may delete', () => {
  it.each([
    ['all', Number.POSITIVE_INFINITY, true],
    ['head', 600, false],
    [10_000, 10_000, true],
    // Less than its readers need is what its readers need.
    [0, 600, true],
  ] as const)('of %s: after %i ms, old epochs keep something: %s', (retention, replacedMs, keepsOldEpochs) => {
    expect(sweepTerms(retention, limits)).toEqual({ replacedMs, readersMs: 600, keepsOldEpochs, saltMs: 7_200 })
  })
})

it('what is no retention is refused by name', () => {
  for (const wrong of [-1, Number.NaN, '30d' as unknown as number]) {
    expect(() => checkRetention(wrong)).toThrow(/retention/)
  }
  for (const good of ['all', 'head', 0, 1] as const) expect(() => checkRetention(good)).not.toThrow()
})
