import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Direction } from '../support/capture.ts'
import { untilEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { untilEpoch } from '../support/rotation-steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// The app lets somebody go, for good or for a moment, at every message of a rotation: nothing is lost, nothing is left behind.
// rotation-killed.test.ts does the same with the network.

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

type Step = readonly [Direction, (Up | Down)['type'], 'in the turn of' | 'right after']

function steps(...types: [Direction, (Up | Down)['type']][]): Step[] {
  return types.flatMap(([direction, type]): Step[] => [
    [direction, type, 'in the turn of'],
    [direction, type, 'right after'],
  ])
}

/** What the rotator says and hears, in this order. */
const OWN = steps(
  ['up', 'lease'],
  ['down', 'leased'],
  ['up', 'stage'],
  ['down', 'staged'],
  ['up', 'pause'],
  ['down', 'paused'],
  ['up', 'open'],
  ['down', 'opened'],
)
/** What a member says and hears who passes into somebody else's epoch, or begins with its checkpoint. */
const OTHERS = steps(
  ['down', 'record'],
  ['up', 'fetch'],
  ['down', 'checkpoint'],
  ['down', 'joined'],
  ['down', 'caught-up'],
  ['down', 'entries'],
)

/** Acts once, at the first such message. */
function at({ wire }: Person, [direction, type, when]: Step, act: () => void): Promise<void> {
  const done = new Promise<void>((resolve) => {
    wire.rewrite(direction, (messages) => {
      if (!messages.some((message) => message.type === type)) return messages
      wire.rewrite(direction, undefined)
      if (when === 'in the turn of') act()
      else setImmediate(act)
      resolve()
      return messages
    })
  })
  return patiently(done, `"${type}" to pass`)
}

function leaveAndReturn({ provider }: Person): void {
  provider.disconnect()
  provider.connect()
}

/** Two frames of staging, and two chunks of a checkpoint. */
const LONG_TEXT = 'x'.repeat(300 * 1024)

async function writer(name: string, options: PersonOptions = {}): Promise<Person> {
  const person = await world.joined(name, options)
  person.doc.getText('long').insert(0, LONG_TEXT)
  await person.provider.flush()
  return person
}

/** Everything is durable, everybody has it, and so has somebody who was never here. */
async function expectAllThere(...people: Person[]): Promise<void> {
  await patiently(Promise.all(people.map(({ provider }) => provider.flush())), 'everything to be durable')
  await untilEqual(people.map(({ doc }) => doc))
  const reader = await world.joined('fresh reader')
  expect(reader.text.toString()).toBe(people[0]?.text.toString())
  expect(reader.doc.getText('long').length).toBe(LONG_TEXT.length)
}

describe('the rotator', () => {
  test.each(OWN)('is destroyed (%s %s, %s it): no timer stays, and the others write on', async (...step) => {
    const clock = new FakeClock(Date.now())
    const ada = await writer('Ada', { unsafeClock: clock })
    const bob = await world.joined('Bob')
    const gone = at(ada, step, () => ada.provider.destroy())
    const end = ada.provider.rotateKey().then(
      () => 'rotated',
      ({ code }: { code: string }) => code,
    )
    await gone
    // With the relay's last word it may have ended well before.
    expect(await patiently(end, 'an answer')).toMatch(step[1] === 'opened' ? /^(rotated|destroyed)$/ : /^destroyed$/)
    await settle()
    expect(clock.waiting).toBe(0)
    bob.text.insert(0, 'goes on')
    await expectAllThere(bob)
  })

  test.each(OWN)('leaves and comes back (%s %s, %s it), while two people type: the rotation ends', async (...step) => {
    const ada = await writer('Ada')
    const bob = await world.joined('Bob')
    const back = at(ada, step, () => leaveAndReturn(ada))
    let isOver = false
    const rotated = ada.provider.rotateKey().finally(() => {
      isOver = true
    })
    const typing = (async () => {
      for (; !isOver; await settle()) for (const { text, name } of [ada, bob]) text.insert(0, name.charAt(0))
    })()
    await back
    expect((await patiently(rotated, 'the rotation')).index).toBeGreaterThan(0)
    await typing
    await untilEpoch(bob, 1)
    await expectAllThere(ada, bob)
  })
})

describe('a member who passes into somebody else’s epoch', () => {
  /** Bob comes to a document that begins with a checkpoint; where he is to be shown a record, it is rotated once more. */
  async function passing(
    step: Step,
    options: PersonOptions,
    act: (bob: Person) => void,
  ): Promise<{ ada: Person; bob: Person }> {
    const ada = await writer('Ada')
    await ada.provider.rotateKey()
    const bob = world.person('Bob', options)
    const done = at(bob, step, () => act(bob))
    if (step[1] === 'record') {
      await bob.provider.whenSynced
      await ada.provider.rotateKey()
    }
    ada.text.insert(0, 'goes on. ')
    await done
    return { ada, bob }
  }

  test.each(OTHERS)('is destroyed (%s %s, %s it): no timer stays', async (...step) => {
    const clock = new FakeClock(Date.now())
    const { ada, bob } = await passing(step, { unsafeClock: clock }, ({ provider }) => provider.destroy())
    await settle()
    expect(clock.waiting).toBe(0)
    expect(bob.wire.openSockets).toEqual([])
    await expectAllThere(ada)
  })

  test.each(OTHERS)('leaves and comes back (%s %s, %s it): it reads on, and writes', async (...step) => {
    const { ada, bob } = await passing(step, {}, leaveAndReturn)
    bob.text.insert(0, 'Bob too. ')
    await expectAllThere(ada, bob)
  })
})
