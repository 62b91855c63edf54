import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Direction } from '../support/capture.ts'
import { patiently } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { epochsOf, indexesOf, passUntil, pausedRefusals, untilEpoch } from '../support/rotation-steps.ts'
import { ofType, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Whoever rotates may vanish at any moment: the others lose nothing, and wait for the pause at most (protocol §6).

let world: World
let relayClock: FakeClock
let clock: FakeClock
beforeEach(async () => {
  relayClock = new FakeClock(Date.now())
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock })
})
afterEach(() => world.close())

/** Two frames of staging, so that there is something between them. */
const LONG_TEXT = 'x'.repeat(300 * 1024)

interface Step {
  readonly name: string
  /** What is never heard: the first message of this type, or the one of this number. */
  readonly direction: Direction
  readonly type: (Up | Down)['type']
  readonly nth?: number
  /** The log is paused: who vanishes without a word costs the rest of it. */
  readonly isPaused?: true
  /** The epoch is open all the same. */
  readonly isOpened?: true
}

const STEPS: readonly Step[] = [
  { name: 'the lease is granted, and she does not hear of it', direction: 'down', type: 'leased' },
  { name: 'she has the lease and a key, and stages nothing', direction: 'up', type: 'stage' },
  { name: 'half of what she stages is at the relay', direction: 'up', type: 'stage', nth: 2 },
  { name: 'all is staged, and she does not ask for the pause', direction: 'up', type: 'pause' },
  { name: 'the pause is granted, and she does not hear of it', direction: 'down', type: 'paused', isPaused: true },
  { name: 'the log is paused, and her record does not leave', direction: 'up', type: 'open', isPaused: true },
  { name: 'her epoch is open, and she does not hear of it', direction: 'down', type: 'opened', isOpened: true },
]

function matcherOf({ type, nth = 1 }: Step): (message: Up | Down) => boolean {
  let seen = 0
  return (message) => message.type === type && ++seen === nth
}

/** Everybody writes into a text of their own: whose words are missing can be told. */
function writes({ name, doc }: Person, words: string): void {
  const text = doc.getText(name)
  text.insert(text.length, words)
}

function wordsOf({ doc }: Person): Record<string, string> {
  return Object.fromEntries(['Ada', 'Bob', 'Carol'].map((name) => [name, doc.getText(name).toString()]))
}

/** Ada will rotate; the clocks of the others are the test's. */
async function threePeople(): Promise<{ ada: Person; bob: Person; carol: Person }> {
  const ada = await world.joined('Ada')
  ada.text.insert(0, LONG_TEXT)
  writes(ada, 'long before. ')
  await ada.provider.flush()
  const bob = await world.joined('Bob', { unsafeClock: clock })
  const carol = await world.joined('Carol', { unsafeClock: clock })
  return { ada, bob, carol }
}

/** Ada rotates, as far as this step; from there on nothing of it arrives. */
async function rotatesUntil(ada: Person, step: Step): Promise<void> {
  ada.wire.hold(step.direction, matcherOf(step))
  const held = ada.wire.untilPassed(step.direction, matcherOf(step))
  ada.provider.rotateKey().catch(() => {})
  await patiently(held, `the step "${step.name}"`)
}

/** Both can write, and one of them rotates the key: `index` is its epoch. Where `clocks` lack the relay's, no pause and no lease runs out. */
async function theyGoOn(bob: Person, carol: Person, index: number, clocks: readonly FakeClock[]): Promise<void> {
  writes(carol, 'still here. ')
  await passUntil(Promise.all([bob.provider.flush(), carol.provider.flush()]), clocks)
  const rotated = bob.provider.rotateKey()
  await passUntil(Promise.race([rotated, bob.wire.untilPassed('down', ofType('leased'))]), clocks)
  expect(await patiently(rotated, 'the rotation by somebody else')).toMatchObject({ index })
  await untilEpoch(carol, index)
  writes(carol, 'and after. ')
  await passUntil(carol.provider.flush(), [clock])
}

async function expectWords(words: Record<string, string>): Promise<void> {
  const reader = await world.joined('fresh reader')
  expect(wordsOf(reader)).toEqual(words)
  expect(reader.text.length).toBe(LONG_TEXT.length)
  const log = await world.log()
  expect(isGapless(log)).toBe(true)
  // Nothing of an old epoch stands behind the first entry of a new one.
  const indexes = indexesOf(log)
  expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
}

describe.each(STEPS)('$name', (step) => {
  const index = step.isOpened ? 2 : 1

  test('her computer is switched off: the others write on at once, and one of them rotates', async () => {
    const { ada, bob, carol } = await threePeople()
    await rotatesUntil(ada, step)
    writes(bob, 'in the middle of it. ')
    ada.wire.unplug()
    ada.provider.destroy()
    await theyGoOn(bob, carol, index, [clock])
    expect(await epochsOf(world)).toHaveLength(index + 1)
    await expectWords({ Ada: 'long before. ', Bob: 'in the middle of it. ', Carol: 'still here. and after. ' })
  })

  test('her network swallows everything without a word: the others wait for the pause, then for the lease', async () => {
    const { ada, bob, carol } = await threePeople()
    await rotatesUntil(ada, step)
    writes(bob, 'in the middle of it. ')
    const pausedAtMs = clock.now()
    ada.wire.halfOpen()
    ada.provider.destroy()
    await passUntil(bob.provider.flush(), [relayClock, clock])
    // The pause, and the half second after which a refused append is tried again.
    expect(clock.now() - pausedAtMs).toBeLessThanOrEqual(step.isPaused ? 6_000 : 1_000)
    if (step.isPaused) expect(pausedRefusals(bob)).toBeGreaterThan(0)
    else expect(pausedRefusals(bob)).toBe(0)
    await theyGoOn(bob, carol, index, [relayClock, clock])
    expect(await epochsOf(world)).toHaveLength(index + 1)
    await expectWords({ Ada: 'long before. ', Bob: 'in the middle of it. ', Carol: 'still here. and after. ' })
  })

  test('her line breaks and she comes back: what she typed meanwhile arrives, and her rotation comes to its end', async () => {
    const { ada, bob, carol } = await threePeople()
    ada.wire.hold(step.direction, matcherOf(step))
    const held = ada.wire.untilPassed(step.direction, matcherOf(step))
    const rotated = ada.provider.rotateKey()
    await patiently(held, `the step "${step.name}"`)
    writes(ada, 'unsent. ')
    writes(bob, 'in the middle of it. ')
    ada.wire.cut()
    writes(ada, 'offline. ')
    ada.wire.calm()
    expect(await patiently(rotated, 'her own rotation')).toMatchObject({ index: 1 })
    await synced(ada)
    await passUntil(Promise.all([ada.provider.flush(), bob.provider.flush()]), [clock])
    await theyGoOn(bob, carol, 2, [clock])
    expect(await epochsOf(world)).toHaveLength(3)
    await expectWords({
      Ada: 'long before. unsent. offline. ',
      Bob: 'in the middle of it. ',
      Carol: 'still here. and after. ',
    })
  })
})
