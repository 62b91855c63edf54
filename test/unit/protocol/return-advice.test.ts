import { closeReasons, MAX_REASON_BYTES, returnAdvice, withReturnAdvice } from '@y-sealed/protocol'
import { expect, it } from 'vitest'

const { draining } = closeReasons

it('[WIRE-46] what a close says of coming back is read again, and fits its frame', () => {
  const reason = withReturnAdvice(draining.meaning, 4_000.4)
  expect(reason).toBe('the relay is about to restart (come back within 4000 ms)')
  expect(returnAdvice({ code: draining.code, reason })).toBe(4_000)
  const longest = withReturnAdvice(draining.meaning, Number.POSITIVE_INFINITY)
  expect(returnAdvice({ code: draining.code, reason: longest })).toBe(60_000)
  expect(new TextEncoder().encode(longest).length).toBeLessThanOrEqual(MAX_REASON_BYTES)
})

it.each([
  [4503, 'the relay is about to restart', undefined],
  [4503, 'x (come back within 99999 ms)', 60_000],
  [4503, 'x (come back within 100000 ms)', undefined],
  [4503, 'x (come back within -1 ms)', undefined],
  [4503, 'x (come back within 1e9 ms)', undefined],
  [4503, 'x (come back within 5 ms) or not', undefined],
  [4403, 'x (come back within 5 ms)', undefined],
  [4401, 'x (come back within 5 ms)', undefined],
])('[WIRE-46] of a close with %i, "%s": %s', (code, reason, advice) => {
  expect(returnAdvice({ code, reason })).toBe(advice)
})
