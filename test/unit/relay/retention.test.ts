import { describe, expect, it } from 'vitest'
import {
  checkRetention,
  dueKinds,
  parseRetention,
  type Retention,
  sweepTerms,
} from '../../../server/relay/src/log/retention.ts'

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

describe('what a sweep deletes first', () => {
  const kindsAt = (retention: Retention, nowUnixMs: number) =>
    dueKinds(sweepTerms(retention, limits), nowUnixMs).map(({ kind, throughUnixMs }) => [kind, throughUnixMs])

  it('is what was deleted, then drafts, then what bases replaced, then old epochs, each after its own time', () => {
    expect(kindsAt('head', 100_000)).toEqual([
      ['document', 100_000],
      ['draft', 99_400],
      ['base', 99_400],
      ['epoch', 99_400],
    ])
    expect(kindsAt(10_000, 100_000)).toEqual([
      ['document', 100_000],
      ['draft', 99_400],
      ['base', 90_000],
    ])
  })

  it('is nothing that is kept for ever', () => {
    expect(kindsAt('all', 100_000)).toEqual([
      ['document', 100_000],
      ['draft', 99_400],
    ])
  })
})

it('what is no retention is refused by name', () => {
  for (const wrong of [-1, Number.NaN, '30d' as unknown as number]) {
    expect(() => checkRetention(wrong)).toThrow(`retention: 'all', 'head' or a number of milliseconds; got ${wrong}`)
  }
  for (const good of ['all', 'head', 0, 1] as const) expect(() => checkRetention(good)).not.toThrow()
})
