import { afterEach, beforeEach, expect, it } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

it('a key is rotated while two people write; both go on, and a newcomer reads it all', async () => {
  const ada = await world.joined('ada')
  const bob = await world.joined('bob')
  ada.text.insert(0, 'before ')
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  const first = ada.provider.epoch
  const second = await ada.provider.rotateKey()
  expect(second.index).toBe(1)
  expect(second.fingerprint).not.toBe(first?.fingerprint)
  bob.text.insert(7, 'after ')
  ada.text.insert(0, 'and ')
  await Promise.all([ada.provider.flush(), bob.provider.flush()])
  await untilEqual([ada.doc, bob.doc])
  expect(bob.provider.epoch).toEqual(ada.provider.epoch)
  expect(await world.freshText()).toBe(ada.text.toString())
})
