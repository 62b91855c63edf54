import { expect, it } from 'vitest'
import { shareFrame } from '../../../server/relay/src/room/shared-frame.ts'

it('a message is encoded once for the channel that nearly all use, and few copies are kept of it', () => {
  let encoded = 0
  const frame = shareFrame((channel) => {
    encoded++
    return Uint8Array.of(channel)
  })
  for (let i = 0; i < 1_000; i++) frame(1)
  expect(encoded).toBe(1)
  for (let round = 0; round < 2; round++) for (let channel = 1; channel <= 100; channel++) frame(channel)
  // Whatever was kept has not been encoded again.
  expect(200 - encoded).toBeLessThan(10)
  expect(frame(77)).toEqual(Uint8Array.of(77))
})
