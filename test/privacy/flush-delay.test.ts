import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { startWorld } from '../support/world.ts'
import { generateTyping } from './typing.ts'

const SEED = 'a letter home'
const KEYS = 40

/** Appends that leave while somebody strikes so many keys, one every 180 ms or so. */
async function appendsOf(flushDelay: number): Promise<number> {
  const clock = new FakeClock()
  const world = await startWorld()
  const ada = await world.joined('Ada', { flushDelay, unsafeClock: clock })
  for (const { gapMs } of generateTyping('even', KEYS, SEED)) {
    ada.text.insert(0, 'x')
    await clock.advance(Math.round(gapMs))
    // With no delay each key is stored before the next one is struck.
    if (flushDelay === 0) await ada.provider.flush()
  }
  const flushed = ada.provider.flush()
  await clock.advance(flushDelay)
  await flushed
  const appends = ada.wire.capture.messages('up').filter(({ type }) => type === 'append')
  await world.close()
  return appends.length
}

test(`flushDelay hides single keys: ${KEYS} of them are ${KEYS} appends, or a few (seed "${SEED}")`, async () => {
  const [each, collected] = [await appendsOf(0), await appendsOf(1_000)]
  expect(each).toBe(KEYS)
  expect(collected).toBeLessThanOrEqual(KEYS / 4)
  expect(collected).toBeGreaterThan(0)
})
