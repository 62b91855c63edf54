import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { withoutRecords } from '../support/key-sources.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { type Show, showAnotherLog } from '../support/shadow-log.ts'
import { codesOf, nextSync, synced } from '../support/steps.ts'
import { sealerOf, witnessesBy } from '../support/witness-steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// A relay that shows one member another log than the others (attacks B3, B5, B6): the first of their entries that reaches him after their next witness gives
// it away, and theirs reach nobody unnoticed either.

const MINUTE_MS = 60_000

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld()
})
afterEach(() => world.close())

const member = (name: string, options: PersonOptions = {}): Promise<Person> =>
  world.joined(name, { unsafeClock: clock, ...options })

async function writes({ text, provider }: Person, words: string): Promise<void> {
  text.insert(text.length, words)
  await passUntil(provider.flush(), [clock])
}

/** Somebody who is shown another log, as `show` has it, on the present connection. */
async function deceived(name: string, show: Show, options: PersonOptions): Promise<Person> {
  const person = world.person(name, { unsafeClock: clock, connect: false, ...options })
  showAnotherLog(person.wire, show)
  person.provider.connect()
  await passUntil(synced(person), [clock])
  return person
}

/** From here on the relay tells somebody the truth, on a new connection. */
async function becomesHonest(person: Person): Promise<void> {
  person.wire.rewrite('up', undefined)
  person.wire.rewrite('down', undefined)
  const back = nextSync(person)
  person.wire.cut()
  await passUntil(back, [clock])
}

const reads = (person: Person): number => saidBy(person).filter(({ type }) => type === 'read').length

describe('two histories', () => {
  /** In Bob's log there stands something else where Carol has written her second words. */
  async function forked(): Promise<{ ada: Person; bob: Person; carol: Person }> {
    const ada = await member('Ada', { expects: ['fork'] })
    const carol = await member('Carol', { expects: ['fork'] })
    await writes(ada, 'Ada was here first. ')
    await writes(carol, 'Carol’s first words. ')
    let other: Uint8Array | undefined
    const show: Show = (envelope, sequence) => {
      other ??= envelope
      return [sequence === 3 ? other : envelope]
    }
    const bob = await deceived('Bob', show, { expects: ['fork', 'rollback', 'gap'] })
    await writes(carol, 'Carol’s second words. ')
    expect(bob.text.toString()).not.toContain('second')
    return { ada, bob, carol }
  }

  test('the next witness tells both sides of it, with the place and the sealer; then the relay is honest, and all is one', async () => {
    const { ada, bob, carol } = await forked()
    const told = [ada, bob, carol].map(({ provider }) => until(provider, 'fork'))
    // Somebody says what they have seen within 40 s of writing: Bob to the others, and they to him.
    const startMs = clock.now()
    await passUntil(Promise.all(told), [clock], 1_000)
    const secondsUntilTold = Math.round((clock.now() - startMs) / 1_000)
    expect(secondsUntilTold).toBeLessThanOrEqual(81)
    const [byBob] = bob.problems
    // How far they had read theirs: a witness may follow another.
    expect(byBob?.sequence).toBeGreaterThanOrEqual(3)
    const othersSealers = [ada, carol].flatMap(witnessesBy).map(sealerOf)
    expect(othersSealers).toContain(byBob?.sealer)
    for (const { problems } of [ada, carol]) {
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatchObject({ code: 'fork', sealer: witnessesBy(bob).map(sealerOf)[0] })
      // How far he had read his own history, which is another from there on.
      expect(problems[0]?.sequence).toBeGreaterThanOrEqual(3)
    }
    // Nothing that does not agree verifies anybody.
    expect(bob.provider.verified?.sequence ?? 0).toBeLessThan(3)
    console.log(`fork told on both sides after ${secondsUntilTold} s`)

    await becomesHonest(bob)
    await passUntil(untilEqual([ada.doc, bob.doc, carol.doc]), [clock])
    expect(bob.text.toString()).toBe('Ada was here first. Carol’s first words. Carol’s second words. ')
    expect(codesOf(bob)).toEqual(expect.arrayContaining(['fork', 'rollback']))
    await writes(bob, 'Bob goes on. ')
    // What Bob said of the other history stands in the log until a checkpoint covers it: whoever reads it is told, and reads on.
    const reader = await world.joined('fresh reader', { expects: ['fork'] })
    expect(reader.text.toString()).toBe(bob.text.toString())
  })

  test('before that the birth of somebody’s sealer tells of it', async () => {
    const { bob } = await forked()
    const dora = await member('Dora')
    const told = until(bob.provider, 'fork')
    await writes(dora, 'Dora. ')
    await patiently(told, 'the fork to be told')
    expect(bob.problems[0]).toMatchObject({ code: 'fork', sequence: 3, fault: 'relay' })
  })

  test('after it the log is read again at each connection, though the relay confirms what was read', async () => {
    const { ada, bob } = await forked()
    const dora = await member('Dora', { expects: ['fork'] })
    await passUntil(until(ada.provider, 'fork'), [clock], 1_000)
    for (const person of [dora, ada]) {
      const before = reads(person)
      const back = nextSync(person)
      person.wire.cut()
      await passUntil(back, [clock])
      expect(reads(person) - before).toBe(1)
    }
    // Where nobody contradicts it, the relay is believed.
    const eve = await member('Eve', { room: 'another room' })
    const back = nextSync(eve)
    eve.wire.cut()
    await passUntil(back, [clock])
    expect(reads(eve)).toBe(0)
    expect(ada.text.toString()).toContain('second')
    await becomesHonest(bob)
  })
})

describe('a log from which something is left out', () => {
  test('a member’s next witness speaks of more than there is: `withheld`, with the place and the sealer', async () => {
    const ada = await member('Ada')
    const carol = await member('Carol')
    await writes(ada, 'Ada. ')
    const bob = await deceived('Bob', (envelope, sequence) => (sequence === 2 ? [] : [envelope]), {
      expects: ['withheld', 'rollback'],
    })
    await writes(carol, 'Carol. ')
    expect(bob.text.toString()).toBe('Ada. ')
    const told = until(bob.provider, 'withheld')
    await passUntil(told, [clock], 1_000)
    expect(bob.problems[0]).toMatchObject({ code: 'withheld', sequence: 2 })
    expect([ada, carol].flatMap(witnessesBy).map(sealerOf)).toContain(bob.problems[0]?.sealer)
    expect(bob.provider.verified).toBeUndefined()
    await becomesHonest(bob)
    await untilText(bob.doc, 'Ada. Carol. ')
    await writes(bob, 'Bob. ')
    expect(await world.freshText()).toBe('Ada. Carol. Bob. ')
    expect([...ada.problems, ...carol.problems]).toEqual([])
  })

  test('a newcomer is shown half of it: synced, not verified, and told with the next thing that somebody says', async () => {
    const ada = await member('Ada')
    for (let word = 1; word <= 6; word++) await writes(ada, `word ${word}. `)
    const bob = await deceived('Bob', (envelope, sequence) => (sequence > 3 && sequence <= 6 ? [] : [envelope]), {
      expects: ['withheld', 'gap', 'rollback'],
    })
    expect(bob.text.toString()).toBe('word 1. word 2. word 3. ')
    expect([bob.provider.synced, bob.provider.verified]).toEqual([true, undefined])
    const told = until(bob.provider, 'withheld')
    await passUntil(told, [clock], 1_000)
    expect(bob.problems[0]).toMatchObject({
      code: 'withheld',
      sequence: 6,
      sealer: sealerOf(witnessesBy(ada)[0] as Uint8Array),
    })
    await becomesHonest(bob)
    await untilText(bob.doc, ada.text.toString())
    await clock.advance(MINUTE_MS)
    expect(bob.provider.verified).toMatchObject({ sequence: 6 })
  })
})

describe('what says that the epoch is the newest', () => {
  test('a plain endpoint and a first visit: the relay’s word; on the next connection, and for who opened it, a pin', async () => {
    const ada = await member('Ada', { keys: withoutRecords(world.keys) })
    expect(ada.provider.freshness).toBe('pinned')
    const bob = await member('Bob', { keys: withoutRecords(world.keys) })
    const told: string[] = []
    bob.provider.on('freshness', (freshness) => told.push(freshness))
    expect(bob.provider.freshness).toBe('relay')
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    expect(bob.provider.freshness).toBe('pinned')
    expect(told).toEqual(['pinned'])
  })

  test('an endpoint that keeps records knows it, and notices a relay that shows no epoch at all: `rollback`, never a blank `synced`', async () => {
    const ada = await member('Ada')
    await writes(ada, 'there is something. ')
    await passUntil(ada.provider.flush(), [clock])
    await clock.advance(1_000)
    expect(ada.provider.freshness).toBe('endpoint')
    const bob = world.person('Bob', {
      unsafeClock: clock,
      connect: false,
      room: 'empty',
      documentId: 'room',
      expects: ['rollback'],
    })
    // A room that the relay has never heard of, for a document whose epoch the endpoint knows.
    bob.text.insert(0, 'typed by Bob')
    const told = until(bob.provider, 'rollback')
    bob.provider.connect()
    await passUntil(told, [clock])
    expect([bob.provider.synced, bob.provider.hasUnsyncedChanges, bob.provider.freshness]).toEqual([
      false,
      true,
      undefined,
    ])
    expect(bob.text.toString()).toBe('typed by Bob')
    expect(saidBy(bob).filter(({ type }) => type === 'open' || type === 'append')).toEqual([])
  })
})
