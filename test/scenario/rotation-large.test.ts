import { envelopeBytes } from '@y-sealed/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { areEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { passUntil, pausedRefusals, saidBy } from '../support/rotation-steps.ts'
import { ofType } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// M13: what a rotation uploads is long on its way; what it stops is short.

const MEGABYTE = 1_000_000
/** A telephone on a bad day: 40 s for the document. */
const BYTES_PER_SECOND = 500_000
/** The longest that a rotation may keep anybody from writing. */
const PAUSE_MS = 5_000
/** Short against the pause, so that what real work takes by this clock is too. */
const STEP_MS = 25

let clock: FakeClock
let world: World
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ relayClock: clock })
})
afterEach(() => world.close())

interface Typing {
  /** How long each edit waited for its ack. */
  readonly waitsMs: number[]
  stop(): Promise<void>
}

/** Types one word after the other, the next one when the last one is durable. */
function types({ provider, doc, name }: Person): Typing {
  const text = doc.getText(name)
  const waitsMs: number[] = []
  let isTyping = true
  const typing = (async () => {
    while (isTyping) {
      const startedMs = clock.now()
      text.insert(text.length, 'word ')
      await provider.flush()
      waitsMs.push(clock.now() - startedMs)
      // An ack that comes in the same moment is no reason to type faster than a person.
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 200))
    }
  })()
  return {
    waitsMs,
    stop() {
      isTyping = false
      return typing
    },
  }
}

/** A document of so many megabytes whose rotator has a slow line, and two people beside her; all of them type. */
async function slowRotator(megabytes: number): Promise<{ ada: Person; bob: Person; carol: Person }> {
  const ada = await world.joined('Ada', { unsafeClock: clock })
  for (let i = 0; i < megabytes; i++) {
    ada.text.insert(ada.text.length, 'x'.repeat(MEGABYTE))
    await patiently(ada.provider.flush(), 'a megabyte to be durable')
  }
  const bob = await world.joined('Bob', { unsafeClock: clock })
  const carol = await world.joined('Carol', { unsafeClock: clock })
  ada.wire.throttle('up', BYTES_PER_SECOND, clock)
  return { ada, bob, carol }
}

const stagedBytes = (person: Person): number =>
  saidBy(person).reduce((sum, message) => sum + (message.type === 'stage' ? envelopeBytes(message.envelopes) : 0), 0)

/** Sealing the checkpoint is real work, during which time by this clock stands still. */
async function beginsToStage({ wire }: Person): Promise<void> {
  const staging = wire.untilPassed('up', ofType('stage'))
  await passUntil(wire.untilPassed('down', ofType('leased')), [clock], STEP_MS)
  await patiently(staging, 'the first chunk')
}

async function expectAllAlike(everybody: readonly Person[], length: number): Promise<void> {
  const reader = await world.joined('fresh reader')
  expect(areEqual([reader.doc, ...everybody.map(({ doc }) => doc)])).toBe(true)
  expect(reader.text.length).toBe(length)
  expect(reader.provider.epoch?.index).toBe(1)
}

test('20 MB are rotated over 500 kB/s: for 40 s everybody writes, and nobody waits longer than the pause', async () => {
  const { ada, bob, carol } = await slowRotator(20)
  const everybody = [ada, bob, carol]
  const typists = everybody.map(types)
  const startedMs = clock.now()
  const pausing = ada.wire.untilPassed('up', ofType('pause'))
  const rotated = ada.provider.rotateKey()
  await beginsToStage(ada)
  await passUntil(pausing, [clock], STEP_MS)
  const stagedMs = clock.now() - startedMs
  const refusedMeanwhile = everybody.map(pausedRefusals)
  const editsMeanwhile = typists.map(({ waitsMs }) => waitsMs.length)
  await passUntil(rotated, [clock], STEP_MS)
  await passUntil(Promise.all(typists.map((typist) => typist.stop())), [clock], STEP_MS)

  expect(stagedMs).toBeGreaterThan((20 * MEGABYTE * 1_000) / BYTES_PER_SECOND)
  expect(refusedMeanwhile).toEqual([0, 0, 0])
  // Three a second at the least, of five: the rotator's own wait behind what she uploads.
  for (const edits of editsMeanwhile) expect(edits).toBeGreaterThan(60)
  for (const { waitsMs } of typists) expect(Math.max(...waitsMs)).toBeLessThanOrEqual(PAUSE_MS)
  await expectAllAlike(everybody, 20 * MEGABYTE)
})

test('somebody pastes 3 MB in the moment of the pause: the others wait for the pause once, and the rotation ends', async () => {
  const { ada, bob, carol } = await slowRotator(2)
  ada.wire.hold('up', ofType('pause'))
  const pausing = ada.wire.untilPassed('up', ofType('pause'))
  const rotated = ada.provider.rotateKey()
  await beginsToStage(ada)
  await passUntil(pausing, [clock], STEP_MS)
  bob.doc.getText('paste').insert(0, 'y'.repeat(3 * MEGABYTE))
  await passUntil(bob.provider.flush(), [clock], STEP_MS)
  const typist = types(carol)
  ada.wire.release('up')
  await passUntil(rotated, [clock], STEP_MS)
  await passUntil(typist.stop(), [clock], STEP_MS)
  expect(Math.max(...typist.waitsMs)).toBeLessThanOrEqual(PAUSE_MS)
  // What did not fit into the pause was staged all the same: nothing went up twice.
  expect(stagedBytes(ada)).toBeLessThan(5.5 * MEGABYTE)
  await expectAllAlike([ada, bob, carol], 2 * MEGABYTE)
})
