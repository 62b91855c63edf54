import { expect, it } from 'vitest'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { CacheRows } from '../../../packages/provider/src/indexeddb/cache-rows.ts'

const hash = new Uint8Array(32).fill(1)
// Nothing else of it is looked at.
const epoch = { hash } as Epoch
const standing = { epoch, line: [], cursor: 9, hash }
const whole = Uint8Array.of(7)
const update = Uint8Array.of(1)

/** Rows of a tab that has begun with what the store holds, and has read so much since. */
function rowsBehind(updates: number): CacheRows {
  const rows = new CacheRows()
  rows.restored({ generation: 'g', rowCount: 3, line: [], cursor: 0, hash })
  for (let n = 0; n < updates; n++) rows.log(update)
  return rows
}

it('what was read since is written behind what the store holds', () => {
  const plan = rowsBehind(2).plan(standing, true, () => whole)
  expect(plan).toMatchObject({ how: 'next', generation: 'g', at: 3, updates: [update, update] })
})

it('a tab that never gets to write keeps no more of the log than a bound, and writes the whole when its turn comes', () => {
  const rows = rowsBehind(100_000)
  expect(rows.isBased).toBe(false)
  expect(rows.plan(standing, true, () => undefined)).toBeUndefined()
  expect(rows.plan(standing, true, () => whole)).toMatchObject({ how: 'anew', at: 0, updates: [whole] })
})
