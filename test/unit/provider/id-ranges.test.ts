import { describe, expect, it } from 'vitest'
import { IdRanges } from '../../../packages/provider/src/log-state/id-ranges.ts'
import { below, seededRandom } from '../../support/random.ts'

describe('a set of Yjs ids', () => {
  it('answers like a plain set of numbers, whatever the order of additions (seed id-ranges-1)', () => {
    const random = seededRandom('id-ranges-1')
    for (let round = 0; round < 200; round++) {
      const ranges = new IdRanges()
      const plain = new Set<number>()
      for (let i = 0; i < 30; i++) {
        const start = below(random, 120)
        const length = below(random, 12)
        ranges.add(7, start, length)
        for (let clock = start; clock < start + length; clock++) plain.add(clock)
        const from = below(random, 120)
        const size = 1 + below(random, 20)
        const missing: number[] = []
        for (const [clock, count] of ranges.missing(7, from, size)) {
          for (let k = 0; k < count; k++) missing.push(clock + k)
        }
        const expected: number[] = []
        for (let clock = from; clock < from + size; clock++) if (!plain.has(clock)) expected.push(clock)
        expect(missing).toEqual(expected)
        expect(ranges.has(7, from, size)).toBe(expected.length === 0)
      }
      let contiguous = 0
      while (plain.has(contiguous)) contiguous++
      expect(ranges.contiguous(7)).toBe(contiguous)
    }
  })

  it('the same for several clients in turns (seed id-ranges-2)', () => {
    const random = seededRandom('id-ranges-2')
    const ranges = new IdRanges()
    const alone = new Map([1, 2, 3].map((client) => [client, new IdRanges()]))
    for (let i = 0; i < 3_000; i++) {
      const client = 1 + below(random, 3)
      const start = below(random, 4_000)
      const length = below(random, 8)
      const own = alone.get(client)
      if (below(random, 2) === 0) for (const each of [ranges, own]) each?.add(client, start, length)
      expect(ranges.missing(client, start, 40)).toEqual(own?.missing(client, start, 40))
      expect(ranges.has(client, start, length)).toBe(own?.has(client, start, length))
    }
  })

  it('knows nothing of a client it has not seen', () => {
    const ranges = new IdRanges()
    expect(ranges.missing(1, 3, 4)).toEqual([[3, 4]])
    expect(ranges.contiguous(1)).toBe(0)
  })
})
