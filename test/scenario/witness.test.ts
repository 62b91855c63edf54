import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Unwitnessed, Verified } from 'y-sealed'
import { until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { nextSync } from '../support/steps.ts'
import { witnessesBy, witnessesIn } from '../support/witness-steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// What members say under seal that they have seen of the log (protocol §7 "Witness"), in rooms where nobody lies.

const MINUTE_MS = 60_000

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ auth: async (token) => ({ subject: token, role: token === 'reader' ? 'read' : 'write' }) })
})
afterEach(() => world.close())

const member = (name: string, options: PersonOptions = {}): Promise<Person> =>
  world.joined(name, { unsafeClock: clock, token: name, ...options })

async function writes({ text, provider, name }: Person): Promise<void> {
  text.insert(text.length, `${name} writes. `)
  await passUntil(provider.flush(), [clock])
}

/** Sequences through which each is verified. */
const verified = (...people: Person[]) => people.map(({ provider }) => provider.verified?.sequence)

describe('who has seen the same log', () => {
  test('two write: within 40 s each is verified by the other, and told so; then nobody says anything more', async () => {
    const ada = await member('Ada')
    const bob = await member('Bob')
    const told: Verified[] = []
    ada.provider.on('verified', (each) => told.push(each))
    await writes(ada)
    await writes(bob)
    expect(verified(ada, bob)).toEqual([undefined, undefined])
    await clock.advance(41_000)
    expect(verified(ada, bob).every((sequence) => sequence !== undefined && sequence >= 2)).toBe(true)
    expect(told.at(-1)).toEqual(ada.provider.verified)
    expect(Math.abs((ada.provider.verified?.at ?? 0) - clock.now())).toBeLessThan(41_000)
    expect(await witnessesIn(world)).toHaveLength(2)
    await clock.advance(60 * MINUTE_MS)
    expect(await world.log()).toHaveLength(4)
    expect([ada, bob].map(({ provider }) => provider.unwitnessed)).toEqual([undefined, undefined])
  })

  test('one writes alone: she says once what she has seen, and whoever comes later is verified by that', async () => {
    const ada = await member('Ada')
    await writes(ada)
    await clock.advance(60 * MINUTE_MS)
    expect(witnessesBy(ada)).toHaveLength(1)
    // What she says herself proves nothing to her.
    expect(ada.provider.verified).toBeUndefined()
    const bob = await member('Bob')
    expect(bob.provider.verified).toMatchObject({ sequence: 1 })
  })

  test('whoever may only read appends none, and is verified by what the others say', async () => {
    const ada = await member('Ada')
    const reader = await member('reader')
    await writes(ada)
    await clock.advance(60 * MINUTE_MS)
    expect(saidBy(reader).filter(({ type }) => type === 'append')).toEqual([])
    expect(reader.provider.verified).toMatchObject({ sequence: 1 })
  })

  test('who has written says it when leaving; who has only read leaves no trace', async () => {
    const ada = await member('Ada')
    const bob = await member('Bob')
    await writes(ada)
    await untilText(bob.doc, ada.text.toString())
    bob.provider.destroy()
    await clock.advance(1_000)
    expect(witnessesBy(bob)).toEqual([])
    ada.provider.destroy()
    await clock.advance(1_000)
    expect(witnessesBy(ada)).toHaveLength(1)
    expect((await member('Carol')).provider.verified).toMatchObject({ sequence: 1 })
  })

  test('what somebody said herself on earlier connections proves nothing to her, however often she has come back', async () => {
    const ada = await member('Ada')
    for (let connection = 1; connection <= 5; connection++) {
      await writes(ada)
      await clock.advance(MINUTE_MS)
      expect(await witnessesIn(world)).toHaveLength(connection)
      const back = nextSync(ada)
      ada.wire.cut()
      await passUntil(back, [clock])
    }
    expect(ada.provider.verified).toBeUndefined()
    expect(ada.provider.unwitnessed).toBeUndefined()
  })

  test('a reconnect of an idle member appends nothing', async () => {
    const ada = await member('Ada')
    const bob = await member('Bob')
    await writes(ada)
    await clock.advance(60 * MINUTE_MS)
    const before = await world.log()
    for (let times = 0; times < 3; times++) {
      const back = nextSync(bob)
      bob.wire.cut()
      await passUntil(back, [clock])
      await clock.advance(MINUTE_MS)
    }
    expect(await world.log()).toEqual(before)
  })

  test('behind a checkpoint its author says what was seen there: whoever begins with it is verified', async () => {
    const ada = await member('Ada')
    for (let times = 0; times < 3; times++) await writes(ada)
    await passUntil(ada.provider.compact(), [clock])
    await clock.advance(MINUTE_MS)
    expect(witnessesBy(ada)).toHaveLength(1)
    const bob = await member('Bob')
    expect(bob.provider.verified).toMatchObject({ sequence: 3 })
  })
})

describe('a room of twenty', () => {
  const WINDOWS = 5
  /** A witness is due 20 s after the last two at the earliest. */
  const WINDOW_MS = 20_000

  test('in which one writes without a pause: a few witnesses a window, however many are there; then none', async () => {
    const members: Person[] = []
    for (let each = 0; each < 20; each++) members.push(await member(`member ${each}`))
    const [writer] = members as [Person]
    for (let second = 0; second < (WINDOWS * WINDOW_MS) / 1_000; second++) {
      writer.text.insert(0, 'x')
      await clock.advance(1_000)
    }
    const during = await witnessesIn(world)
    // Two are enough; a third or a fourth was on its way when they came.
    expect(during.length).toBeLessThanOrEqual(4 * WINDOWS)
    expect(during.length).toBeGreaterThanOrEqual(WINDOWS / 2)
    // What was said while the last words were on their way is said once more.
    await clock.advance(5 * MINUTE_MS)
    const { length } = await world.log()
    expect(
      verified(...members).every((sequence) => sequence !== undefined && sequence >= (WINDOWS * WINDOW_MS) / 1_000),
    ).toBe(true)
    const sent = (): number => members.flatMap(saidBy).filter(({ type }) => type === 'append').length
    const sentBefore = sent()
    await clock.advance(10 * MINUTE_MS)
    expect(sent()).toBe(sentBefore)
    expect(await world.log()).toHaveLength(length)
    console.log(
      `20 members, ${WINDOWS} windows of ${WINDOW_MS / 1_000} s: ${during.length} witnesses; ten idle minutes: 0`,
    )
  })
})

describe('`unwitnessed`', () => {
  test('others write, and nobody says that they have seen the same: a state after a minute, ended by a witness', async () => {
    const ada = await member('Ada')
    // His time stands still: he never comes to say what he has seen.
    const bob = await member('Bob', { unsafeClock: new FakeClock(Date.now()) })
    const told: (Unwitnessed | undefined)[] = []
    ada.provider.on('unwitnessed', (each) => told.push(each))
    bob.text.insert(0, 'Bob writes. ')
    await untilText(ada.doc, 'Bob writes. ')
    const since = clock.now()
    await clock.advance(59_000)
    expect(ada.provider.unwitnessed).toBeUndefined()
    await clock.advance(2_000)
    expect(ada.provider.unwitnessed).toEqual({ sequence: 1, since })
    expect(ada.problems).toEqual([])
    // What she has said herself meanwhile does not end it.
    expect(witnessesBy(ada)).toHaveLength(1)
    const verifiedNow = until(ada.provider, 'verified')
    await writes(await member('Carol'))
    await passUntil(verifiedNow, [clock])
    expect(ada.provider.unwitnessed).toBeUndefined()
    expect(told).toEqual([{ sequence: 1, since }, undefined])
  })

  test('nobody else writes: it is never there', async () => {
    const ada = await member('Ada')
    const told: unknown[] = []
    ada.provider.on('unwitnessed', (each) => told.push(each))
    for (let minute = 0; minute < 10; minute++) {
      await writes(ada)
      await clock.advance(MINUTE_MS)
    }
    expect(told).toEqual([])
  })
})

describe('`freshness`', () => {
  test('an endpoint that keeps records knows the epoch', async () => {
    const ada = await member('Ada')
    await passUntil(
      until(ada.provider, 'freshness', (what) => what === 'endpoint'),
      [clock],
    ).catch(() => {})
    expect(ada.provider.freshness).toBe('endpoint')
    expect((await member('Bob')).provider.freshness).toBe('endpoint')
  })
})
