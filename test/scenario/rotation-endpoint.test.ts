import type { Purpose, Role } from '@y-sealed/key-endpoint'
import { type Down, hashPrefix } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeySource } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { hashAfter } from '../support/removed-member.ts'
import { epochsOf, indexesOf, passUntil, saidBy, untilEpoch, writesIn } from '../support/rotation-steps.ts'
import { codesOf, nextSync, ofType, someProblem, synced } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

// An administrator of the key endpoint changes which key is current; nobody at the editor does anything.

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

let world: World
let clock: FakeClock
/** Who may do less than a writer, by who asks. */
const limited = new Map<string, (purpose: Purpose) => Role | undefined>()

beforeEach(async () => {
  clock = new FakeClock(Date.now())
  limited.clear()
  world = await startWorld({
    data: 'disk',
    access: (who, purpose) => (limited.has(who) ? limited.get(who)?.(purpose) : who === 'admin' ? 'admin' : 'write'),
    auth: async (token) => ({ subject: token, role: token === 'reader' ? 'read' : 'write' }),
  })
})
afterEach(() => world.close())

/** Somebody whose time is the test's, and whose questions to the endpoint are counted. */
async function member(name: string, options: PersonOptions = {}): Promise<Person & { asked: unknown[] }> {
  const asked: unknown[] = []
  const source = options.keys ?? world.keys
  const keys: KeySource = (request, requestOptions) => {
    asked.push(request)
    return source(request, requestOptions)
  }
  const person = await world.joined(name, { unsafeClock: clock, ...options, keys })
  // Whoever comes to a new epoch tells the endpoint of its record: that is no question of ours.
  await settle()
  return Object.assign(person, { asked })
}

const currentHint = async (): Promise<string> => (await epochsOf(world)).at(-1)?.keyHint ?? ''

/** Requests of rotations: what somebody does, and not only asks. */
const rotationRequests = (person: Person): number =>
  saidBy(person).filter(({ type }) => type === 'lease' || type === 'open').length

async function nudged(person: Person): Promise<void> {
  const heard = person.wire.untilPassed('down', ofType('recheck'))
  world.recheck()
  await patiently(heard, 'the nudge')
  await settle()
}

describe('the key is changed at the endpoint', () => {
  test.each([
    ['rotated', async () => ((await world.keyAct('rotate')) as { keyHint: string }).keyHint],
    ['deactivated', async () => void (await world.keyAct('deactivate', { keyHint: await currentHint() }))],
  ])(
    '%s, and the relay nudges: everybody is in a new epoch under one new key, and nobody did anything',
    async (_, act) => {
      const people = await Promise.all(['Ada', 'Bob', 'Carol', 'Dave', 'Eve'].map((name) => member(name)))
      const [ada, bob] = people as unknown as [Person, Person]
      ada.text.insert(0, 'before. ')
      await untilEqual(people.map(({ doc }) => doc))
      const hint = await act()
      world.recheck()
      await patiently(Promise.all(people.map((person) => untilEpoch(person, 1))), 'everybody to be in epoch 1')
      bob.text.insert(8, 'after. ')
      await untilText(ada.doc, 'before. after. ')
      const epochs = await epochsOf(world)
      expect(epochs).toHaveLength(2)
      if (hint !== undefined) expect(epochs[1]?.keyHint).toBe(hint)
      expect(await world.keyAct('list')).toMatchObject({ keys: [{ state: 'inactive' }, { state: 'active' }] })
      expect(new Set(indexesOf(await world.log()))).toEqual(new Set([0, 1]))
    },
  )

  test('nobody nudges: who writes learns it after ten minutes, and who only reads does not ask', async () => {
    const bob = await member('Bob')
    const rita = await member('Rita', { token: 'reader' })
    bob.text.insert(0, '.')
    await bob.provider.flush()
    await world.keyAct('deactivate', { keyHint: await currentHint() })
    const before = [bob.asked.length, rita.asked.length]
    for (let minute = 1; minute <= 9; minute++) {
      await clock.advance(MINUTE_MS)
      bob.text.insert(0, '.')
      await bob.provider.flush()
    }
    expect([bob.asked.length, rita.asked.length]).toEqual(before)
    expect(bob.provider.epoch?.index).toBe(0)
    await clock.advance(2 * MINUTE_MS)
    bob.text.insert(0, '.')
    await passUntil(untilEpoch(bob, 1), [clock])
    await patiently(untilEpoch(rita, 1), 'Rita to follow')
    expect(rita.problems).toEqual([])
  })

  test('who joins then opens the new epoch, before it writes a word', async () => {
    const ada = await member('Ada')
    ada.text.insert(0, 'before. ')
    await ada.provider.flush()
    await world.keyAct('deactivate', { keyHint: await currentHint() })
    const carol = world.person('Carol', { connect: false })
    carol.text.insert(0, 'typed offline. ')
    carol.provider.connect()
    await patiently(untilEpoch(carol, 1), 'Carol to rotate')
    await carol.provider.flush()
    expect(
      indexesOf(
        saidBy(carol)
          .flatMap((message) => (message.type === 'append' ? message.envelopes : []))
          .map(({ envelope }) => ({ sequence: 0, envelope })),
      ),
    ).toEqual([1])
    await patiently(untilEpoch(ada, 1), 'Ada to follow')
    await untilEqual([ada.doc, carol.doc])
  })

  test('and the endpoint is out of reach when the relay nudges: everybody writes on under the key they have', async () => {
    let isAway = false
    const bob = await member('Bob', {
      keys: (request, options) => (isAway ? Promise.reject(new TypeError('no network')) : world.keys(request, options)),
    })
    isAway = true
    await nudged(bob)
    bob.text.insert(0, 'goes on')
    await bob.provider.flush()
    expect(bob.problems).toEqual([])
    expect(bob.provider.epoch?.index).toBe(0)
  })
})

describe('a nudge', () => {
  test('is listened to once a minute, however often the relay nudges', async () => {
    const bob = await member('Bob')
    bob.text.insert(0, 'not alone')
    await bob.provider.flush()
    const before = bob.asked.length
    for (let time = 0; time < 50; time++) await nudged(bob)
    expect(bob.asked.length - before).toBe(1)
    await clock.advance(MINUTE_MS - SECOND_MS)
    await nudged(bob)
    expect(bob.asked.length - before).toBe(1)
    await clock.advance(SECOND_MS)
    for (let time = 0; time < 50; time++) await nudged(bob)
    expect(bob.asked.length - before).toBe(2)
  })

  test('is no command: where the endpoint still holds the key current, nothing happens', async () => {
    const bob = await member('Bob')
    for (let minute = 0; minute < 10; minute++) {
      await nudged(bob)
      await clock.advance(MINUTE_MS)
    }
    expect(rotationRequests(bob)).toBe(1)
    expect(await epochsOf(world)).toHaveLength(1)
  })
})

describe('while the key is inactive', () => {
  test('nothing is sealed with it: what is typed waits as plaintext, and is sealed under the new one', async () => {
    const bob = await member('Bob')
    bob.text.insert(0, 'before. ')
    await bob.provider.flush()
    bob.wire.hold('up', ofType('lease'))
    const leasing = bob.wire.untilPassed('up', ofType('lease'))
    await world.keyAct('deactivate', { keyHint: await currentHint() })
    world.recheck()
    await patiently(leasing, 'Bob to learn of it')
    const appends = saidBy(bob).filter(({ type }) => type === 'append').length
    for (const word of ['typed ', 'while ', 'inactive ']) {
      bob.text.insert(bob.text.length, word)
      await clock.advance(10 * SECOND_MS)
    }
    expect(saidBy(bob).filter(({ type }) => type === 'append')).toHaveLength(appends)
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
    bob.wire.release('up')
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(await world.freshText()).toBe('before. typed while inactive ')
    expect(indexesOf(await world.log())).toEqual([0, 1])
  })

  test('a reader waits for a writer, and says nothing', async () => {
    limited.set('reader', () => 'read')
    const bob = await member('Bob')
    bob.text.insert(0, 'before. ')
    await bob.provider.flush()
    bob.wire.unplug()
    const rita = await member('Rita', { token: 'reader', keys: world.keysAs('reader') })
    await world.keyAct('deactivate', { keyHint: await currentHint() })
    await nudged(rita)
    for (let second = 0; second < 60; second++) await clock.advance(SECOND_MS)
    expect(rita.provider.epoch?.index).toBe(0)
    expect(rita.provider.synced).toBe(true)
    expect(saidBy(rita).some(({ type }) => type === 'lease')).toBe(false)
    expect(codesOf(rita)).toEqual([])
    bob.wire.plug()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(untilEpoch(rita, 1), [clock])
    bob.text.insert(8, 'after. ')
    await untilText(rita.doc, 'before. after. ')
  })

  test('a writer who may not rotate keeps what is typed until somebody else has rotated', async () => {
    // He may write at the relay, and read keys; a new one is not made for him.
    limited.set('bob', () => 'read')
    const ada = await member('Ada')
    ada.text.insert(0, 'before. ')
    await ada.provider.flush()
    const bob = await member('Bob', { keys: world.keysAs('bob'), expects: ['key-rotated'] })
    ada.wire.unplug()
    await world.keyAct('deactivate', { keyHint: await currentHint() })
    await nudged(bob)
    bob.text.insert(8, 'typed by Bob. ')
    await passUntil(someProblem(bob), [clock])
    for (let second = 0; second < 120; second++) await clock.advance(SECOND_MS)
    expect(codesOf(bob)).toEqual(['key-rotated'])
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
    expect(bob.provider.synced).toBe(true)
    // Not in a hot loop: back-off grows to half a minute.
    expect(rotationRequests(bob)).toBeLessThan(30)
    ada.wire.plug()
    await passUntil(untilEpoch(ada, 1), [clock])
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, 'before. typed by Bob. ')
    expect(indexesOf(await world.log())).toEqual([0, 1])
  })
})

describe('the relay hides the new epoch from one member', () => {
  /** Everything about it: its record, its entries, and that the old one is closed. The lease, it says, is somebody else's. */
  function hideFrom({ wire }: Person): void {
    wire.rewrite('down', (messages) =>
      (messages as Down[]).flatMap((message): Down[] => {
        if (message.type === 'refused' && message.code === 'stale-epoch') {
          const { type, channel, request } = message
          return [{ type, channel, request, code: 'busy', detail: '' }]
        }
        return ['record', 'entries', 'awareness'].includes(message.type) ? [] : [message]
      }),
    )
  }

  test('the endpoint knows of it: the member says rollback, seals nothing more, and keeps what is typed', async () => {
    const ada = await member('Ada')
    ada.text.insert(0, 'before. ')
    await ada.provider.flush()
    const bob = await member('Bob', { expects: ['rollback'] })
    await untilText(bob.doc, 'before. ')
    hideFrom(bob)
    await ada.provider.rotateKey()
    // The opener tells the endpoint of its record.
    await writesIn(ada, 1)
    await settle()
    await nudged(bob)
    bob.text.insert(8, 'typed by Bob. ')
    await passUntil(someProblem(bob), [clock])
    expect(codesOf(bob)).toEqual(['rollback'])
    expect(bob.provider.synced).toBe(false)
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
    expect(saidBy(bob).filter(({ type }) => type === 'append')).toEqual([])
    bob.wire.rewrite('down', undefined)
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, 'before. typed by Bob. ')
    expect(indexesOf(await world.log()).filter((index) => index === 0)).toHaveLength(1)
  })

  test('and from one who comes for the first time: the old epoch is not even opened', async () => {
    const ada = await member('Ada')
    ada.text.insert(0, 'before. ')
    await ada.provider.rotateKey()
    await writesIn(ada, 1)
    const [first] = await world.records()
    const log = (await world.log()).slice(0, 1)
    if (first === undefined) throw new Error('there is an epoch')
    const carol = world.person('Carol', { unsafeClock: clock, connect: false, expects: ['rollback'] })
    // The first epoch and all of its log, as the relay told them before there was another one.
    const end = { sequence: 1, hash: hashPrefix(hashAfter(first, log)) }
    const entries = log.map(({ envelope }) => ({ proof: new Uint8Array(0), envelope }))
    carol.wire.rewrite('down', (messages) =>
      (messages as Down[]).flatMap((message): Down[] => {
        if (message.type === 'joined') return [{ ...message, ...end, records: [first] }]
        if (message.type !== 'caught-up')
          return message.type === 'record' || message.type === 'entries' ? [] : [message]
        const { channel } = message
        const hashBefore = hashPrefix(hashAfter(first, []))
        return [
          { type: 'entries', channel, first: 1, hashBefore, entries },
          { ...message, ...end },
        ]
      }),
    )
    carol.doc.getText('carol').insert(0, 'typed by Carol')
    carol.provider.connect()
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['rollback'])
    expect(carol.provider.synced).toBe(false)
    expect(carol.text.toString()).toBe('')
    expect(saidBy(carol).filter(({ type }) => type === 'append' || type === 'lease')).toEqual([])
    carol.wire.rewrite('down', undefined)
    carol.wire.cut()
    await passUntil(synced(carol), [clock])
    await passUntil(carol.provider.flush(), [clock])
    await untilText(ada.doc, 'typed by Carol', 'carol')
    expect(carol.text.toString()).toBe('before. ')
  })
})

test('an endpoint that contradicts the relay while a session gets ready to write is heard: nothing is written, and a person decides', async () => {
  let last: Awaited<ReturnType<KeySource>> | undefined
  let isLying = false
  const keys: KeySource = async (request, options) => {
    // At once, and so in the middle of what the session does at that moment.
    if (isLying && last !== undefined) return { ...Object(last), record: 'A'.repeat(43) }
    last = await world.keys(request, options)
    return last
  }
  const ada = await world.joined('Ada', { keys, expects: ['fork'] })
  ada.text.insert(0, 'x')
  await ada.provider.flush()
  ada.provider.disconnect()
  isLying = true
  ada.provider.connect()
  await someProblem(ada)
  await settle()
  expect([ada.provider.wsconnected, ada.provider.synced]).toEqual([false, false])
  await expect(ada.provider.rotateKey()).rejects.toMatchObject({ code: 'fork' })
})
