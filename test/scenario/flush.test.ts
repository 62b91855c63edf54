import { afterEach, beforeEach, expect, test } from 'vitest'
import { patiently } from '../support/events.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

test('flush() waits for what was typed before it, not for a user who never stops typing', async () => {
  const ada = await world.joined('ada')
  ada.text.insert(0, 'first')
  let isOver = false
  const flushed = patiently(ada.provider.flush(), 'what was typed before it to be durable').finally(() => {
    isOver = true
  })
  flushed.catch(() => {})
  // Faster than any ack: there is always something that waits.
  while (!isOver) {
    ada.text.insert(0, 'x')
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(ada.provider.hasUnsyncedChanges).toBe(true)
  await flushed
  await ada.provider.flush()
  expect(await world.freshText()).toBe(ada.text.toString())
})

test('flush() before the first sync waits until the log was compared with what the document held', async () => {
  const ada = world.person('ada')
  ada.text.insert(0, 'typed before anything was known')
  await ada.provider.flush()
  expect(ada.provider.hasUnsyncedChanges).toBe(false)
  const bob = world.person('bob')
  await bob.provider.flush()
  expect(bob.text.toString()).toBe('typed before anything was known')
})
