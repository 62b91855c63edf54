import { afterEach, expect, test } from 'vitest'
import { patiently, untilText } from '../support/events.ts'
import { codesOf, someProblem } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

// One key opens and seals: until there are write keys, only the relay keeps a reader from writing (docs/threat-model.md).

let world: World
afterEach(() => world.close())

/** Ada writes, Mallory may read: the endpoint and the app have said so. What the relay makes of that is the relay's doing. */
function worldWhoseRelayTakes(roleOfMallory: 'read' | 'write'): Promise<World> {
  return startWorld({
    access: (who) => (who === 'mallory' ? 'read' : 'write'),
    auth: async (token) => ({ subject: token, role: token === 'mallory' ? roleOfMallory : 'write' }),
  })
}

async function adaAndMallory() {
  const ada = await world.joined('Ada', { token: 'ada' })
  ada.text.insert(0, 'by Ada. ')
  await ada.provider.flush()
  const expects = ['write-denied']
  const mallory = await world.joined('Mallory', { token: 'mallory', keys: world.keysAs('mallory'), expects })
  return { ada, mallory }
}

test('a reader who writes is refused by an honest relay', async () => {
  world = await worldWhoseRelayTakes('read')
  const { ada, mallory } = await adaAndMallory()
  const told = someProblem(mallory)
  mallory.text.insert(0, 'forged. ')
  await patiently(told, 'Mallory to be told')
  expect(codesOf(mallory)).toEqual(['write-denied'])
  expect(await world.log()).toHaveLength(1)
  expect(ada.text.toString()).toBe('by Ada. ')
})

test('C11, not promised: with a relay that helps, what a reader seals is taken by all, as if a writer had written it', async () => {
  world = await worldWhoseRelayTakes('write')
  const { ada, mallory } = await adaAndMallory()
  mallory.text.insert(0, 'forged. ')
  await mallory.provider.flush()
  await untilText(ada.doc, 'forged. by Ada. ')
  expect(codesOf(ada)).toEqual([])
})
