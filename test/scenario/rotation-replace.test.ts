import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeySource } from 'y-sealed'
import { patiently, until } from '../support/events.ts'
import { forgetting } from '../support/key-sources.ts'
import { epochsOf } from '../support/rotation-steps.ts'
import { ofType, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Whoever gives up an epoch whose key is lost is told how that ended, whatever stands in the way. See also rotation-rescue.test.ts.

let world: World
let lost: Set<string>
let keys: KeySource
beforeEach(async () => {
  world = await startWorld()
  lost = new Set()
  keys = forgetting(world.keys, lost)
})
afterEach(() => world.close())

/** A document whose newest key is lost, and Bob, who has never been here. `rotations`: epochs before that one. */
async function locked(rotations: number): Promise<Person> {
  const ada = await world.joined('Ada', { keys })
  ada.text.insert(0, 'readable')
  await ada.provider.flush()
  for (let time = 0; time < rotations; time++) await ada.provider.rotateKey()
  lost.add(ada.provider.epoch?.keyHint ?? '')
  ada.provider.destroy()
  const bob = world.person('Bob', { keys, expects: ['key-unknown'] })
  await someProblem(bob)
  return bob
}

const replace = ({ provider }: Person) => patiently(provider.rotateKey({ replace: true }), 'an answer')

describe('rotateKey({ replace: true })', () => {
  test('and the connection breaks before the lease is asked for: it says so, nothing is given up, and a second time will do', async () => {
    const bob = await locked(1)
    bob.wire.cutAt('up', ofType('lease'))
    const lockedAgain = until(
      bob.provider,
      'key-unknown',
      () => true,
      'the document to be locked on the next connection',
    )
    await expect(replace(bob)).rejects.toMatchObject({ code: 'interrupted' })
    expect(await epochsOf(world)).toHaveLength(2)
    await lockedAgain
    expect(await replace(bob)).toMatchObject({ index: 2 })
    await patiently(bob.provider.flush(), 'the document to be complete')
    expect(bob.text.toString()).toBe('readable')
  })

  test('and there is no other epoch: it says that no key can be had, and the document opens once that one is found', async () => {
    const bob = await locked(0)
    await expect(replace(bob)).rejects.toMatchObject({ code: 'key-unknown' })
    expect(await epochsOf(world)).toHaveLength(1)
    lost.clear()
    bob.provider.connect()
    await patiently(bob.provider.whenSynced, 'the document to open')
    expect(bob.text.toString()).toBe('readable')
  })
})
