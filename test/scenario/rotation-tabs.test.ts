import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { untilEpoch } from '../support/rotation-steps.ts'
import { codesOf } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  // A page has tabs; Node has not.
  vi.stubGlobal('document', {})
  world = await startWorld()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await world.close()
})

test('two tabs of one browser pass through three rotations, and neither takes the other’s words for forged', async () => {
  const one = await world.joined('one tab')
  const two = await world.joined('another tab')
  one.text.insert(0, 'text. ')
  await one.provider.flush()
  await untilEqual([one.doc, two.doc])
  for (let index = 1; index <= 3; index++) {
    expect(await one.provider.rotateKey()).toMatchObject({ index })
    await untilEpoch(two, index)
    two.text.insert(0, `${index}. `)
    await two.provider.flush()
    await untilEqual([one.doc, two.doc])
  }
  expect([one, two].map(codesOf)).toEqual([[], []])
  expect([one, two].map(({ provider }) => provider.counters.tampered ?? 0)).toEqual([0, 0])
  expect(await world.freshText()).toBe('3. 2. 1. text. ')
})
