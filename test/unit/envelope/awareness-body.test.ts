import { encodeAwarenessBody, isCurrentAwareness, parseAwarenessBody } from '@y-sealed/envelope'
import { expect, it } from 'vitest'
import { errorOf, text } from './fixtures.ts'

it('[ENV-22] the time of an awareness state survives, from 1970 to the year 10889', () => {
  for (const unixMs of [0, 1, 2 ** 32 - 1, 2 ** 32, 1_790_000_000_123, 2 ** 48 - 1]) {
    expect(parseAwarenessBody(encodeAwarenessBody(unixMs, text('update')))).toEqual({ unixMs, update: text('update') })
  }
})

it('[ENV-22] a body without room for its time is malformed, a time that does not fit is refused', async () => {
  expect((await errorOf(() => parseAwarenessBody(new Uint8Array(5)))).code).toBe('malformed')
  expect(parseAwarenessBody(new Uint8Array(6)).update.length).toBe(0)
  for (const unixMs of [-1, 2 ** 48, 0.5, Number.NaN]) {
    expect((await errorOf(() => encodeAwarenessBody(unixMs, text('a')))).code).toBe('caller')
  }
})

it('[ENV-22] a cursor that the relay kept back for more than five minutes is not current, nor one from the future', () => {
  const body = { unixMs: 1_790_000_000_000, update: text('update') }
  const isCurrentAfter = (ms: number) => isCurrentAwareness(body, body.unixMs + ms)
  expect([0, 300_000, -300_000].map(isCurrentAfter)).toEqual([true, true, true])
  expect([300_001, -300_001].map(isCurrentAfter)).toEqual([false, false])
})
