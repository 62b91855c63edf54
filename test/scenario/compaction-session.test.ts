import { parseEpochRecord } from '@y-sealed/envelope'
import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyError } from 'y-sealed'
import { until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { storeFalseCheckpoint } from '../support/false-checkpoint.ts'
import { Gate } from '../support/gate.ts'
import { withActive } from '../support/key-sources.ts'
import { shownForgery } from '../support/removed-member.ts'
import { passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, ofType, someProblem, synced } from '../support/steps.ts'
import { BEFORE, channelOf, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Where checkpoints meet the rest of a session: joins that break off, rotations, keys that are retired, a relay that owes an answer.

const MINUTE_MS = 60_000

let world: World
let clock: FakeClock
let relayClock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  relayClock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock, retention: 'head' })
})
afterEach(() => world.close())

const timed = (name: string, options = {}): Promise<Person> => world.joined(name, { unsafeClock: clock, ...options })

async function types({ text, provider }: Person, words: number): Promise<void> {
  for (let word = 0; word < words; word++) {
    text.insert(text.length, `word ${word} `)
    await passUntil(provider.flush(), [clock])
  }
}

const said = <Type extends Up['type']>(person: Person, type: Type): Extract<Up, { type: Type }>[] =>
  saidBy(person).filter((message): message is Extract<Up, { type: Type }> => message.type === type)

const leasesOf = (person: Person): string[] => said(person, 'lease').map(({ purpose }) => purpose)

describe('who begins with a checkpoint whose content is nothing to Yjs, and takes the one before', () => {
  /** The one before is named, and the relay keeps nothing that is older; the newest is a member's fault. */
  async function falseNewest(words = 3): Promise<{ text: string; before: Uint8Array }> {
    const ada = await timed('Ada', { expects: ['member-fault'] })
    await types(ada, words)
    await passUntil(ada.provider.compact(), [clock])
    const [compact] = said(ada, 'compact')
    if (compact === undefined) throw new Error('Ada has made a checkpoint')
    await relayClock.advance(15 * MINUTE_MS)
    await world.untilUsage(({ entries, historyEntries }) => entries + historyEntries === 0)
    await types(ada, 1)
    ada.provider.destroy()
    await storeFalseCheckpoint(world, { update: new Uint8Array(40).fill(255) })
    return { text: ada.text.toString(), before: compact.checkpoint }
  }

  const fetchOf = (checkpoint: Uint8Array) => (message: Up | Down) =>
    message.type === 'fetch' && Buffer.compare(message.checkpoint, checkpoint) === 0

  const newcomer = (...expects: string[]): Person =>
    world.person('Bob', { unsafeClock: clock, expects: ['member-fault', ...expects], connect: false })

  test('has the whole document, though the connection breaks before that one has come', async () => {
    const { text, before } = await falseNewest()
    const bob = newcomer()
    bob.wire.cutAt('up', fetchOf(before))
    bob.provider.connect()
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toBe(text)
    expect(bob.wire.sockets.length).toBeGreaterThan(1)
  })

  test('has the whole document, though it was here before, and that happens when it comes back', async () => {
    const bob = await timed('Bob', { expects: ['member-fault'] })
    bob.wire.unplug()
    const { text, before } = await falseNewest()
    bob.wire.cutAt('up', fetchOf(before))
    bob.wire.plug()
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toBe(text)
    expect(bob.wire.sockets.length).toBeGreaterThan(2)
  })

  test('has the whole document, though the key is rotated while the connection is broken', async () => {
    const { text, before } = await falseNewest()
    const bob = newcomer()
    bob.wire.cutAt('up', fetchOf(before))
    const isBroken = until(bob.provider, 'connection-close')
    bob.provider.connect()
    await passUntil(isBroken, [clock], 1)
    bob.wire.unplug()
    const carol = await timed('Carol', { expects: ['member-fault'] })
    await passUntil(carol.provider.rotateKey(), [clock])
    bob.wire.calm()
    await passUntil(synced(bob), [clock])
    expect(bob.provider.epoch?.index).toBe(1)
    expect(bob.text.toString()).toBe(text)
  })

  test('has the whole document, though the relay at first does not have that one', async () => {
    const { text, before } = await falseNewest()
    const bob = newcomer('withheld')
    let isWithheld = false
    retell(bob, (message) => {
      const asked = said(bob, 'fetch').at(-1)
      if (message.type !== 'checkpoint' || isWithheld || asked === undefined || !fetchOf(before)(asked))
        return [message]
      isWithheld = true
      const { channel, request } = message
      return [{ type: 'refused', channel, request, code: 'unknown', detail: '' }]
    })
    bob.provider.connect()
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toBe(text)
    expect(codesOf(bob)).toContain('withheld')
  })
})

test('a relay in league with a removed member cannot have his late entries carried over by keeping a checkpoint back', async () => {
  const { ada, bob } = await shownForgery(world, clock, 'fork', 'withheld')
  bob.wire.unplug()
  await ada.provider.rotateKey()
  // In the old epoch it has pruned what Bob has read: he asks for a checkpoint, which does not come, and then there is a new epoch.
  const newest = { checkpoint: new Uint8Array(32).fill(3), sequence: 9, hash: new Uint8Array(32), bytes: 100 }
  retell(bob, (message) => {
    // Nor does it say that the log ends before what it has named.
    if (message.type === 'records' || (message.type === 'caught-up' && message.request === 0)) return []
    if (message.type !== 'joined') return [message]
    return [{ ...message, sequence: 9, confirmed: false, pruned: 9, newest, records: [] }]
  })
  bob.wire.drop('up', ofType('fetch'))
  const hasAsked = bob.wire.untilPassed('up', ofType('fetch'))
  bob.wire.plug()
  await passUntil(hasAsked, [clock])
  const next = (await world.records()).at(-1) as Uint8Array
  const told: Down = { type: 'record', channel: channelOf(bob), record: next, sequence: 1, hash: new Uint8Array(8) }
  const { channel, request } = said(bob, 'fetch').at(-1) as Extract<Up, { type: 'fetch' }>
  bob.wire.openSockets[0]?.deliver([told, { type: 'refused', channel, request, code: 'unknown', detail: '' }])
  await passUntil(untilEpoch(bob, 1), [clock])
  await passUntil(synced(bob), [clock])
  bob.text.insert(0, 'Bob. ')
  await passUntil(bob.provider.flush(), [clock])
  await untilText(ada.doc, `Bob. ${BEFORE}`)
  expect(ada.doc.getText('forged').toString()).toBe('')
  expect(codesOf(bob)).toEqual(['withheld', 'fork'])
})

test('who comes for the first time asks for the checkpoint beside the key, and once', async () => {
  const ada = await timed('Ada')
  await types(ada, 3)
  await passUntil(ada.provider.compact(), [clock])
  const gate = new Gate()
  const bob = world.person('Bob', {
    connect: false,
    keys: async (request, options) => {
      await gate.pass()
      return world.keys(request, options)
    },
  })
  const hasCome = bob.wire.untilPassed('down', ofType('checkpoint'))
  bob.provider.connect()
  await gate.reached
  await hasCome
  expect(bob.text.toString()).toBe('')
  gate.open()
  await synced(bob)
  expect(bob.text.toString()).toBe(ada.text.toString())
  expect(said(bob, 'fetch')).toHaveLength(1)
})

describe('a rotation', () => {
  test('that begins while a checkpoint goes up leaves the rest of that one where it is', async () => {
    const ada = await timed('Ada')
    ada.text.insert(0, 'x'.repeat(1_000_000))
    await passUntil(ada.provider.flush(), [clock])
    const isGoingUp = ada.wire.untilPassed('up', ofType('stage'))
    const compacted = ada.provider.compact()
    await isGoingUp
    await passUntil(ada.provider.rotateKey(), [clock])
    await passUntil(compacted, [clock])
    const [lease] = said(ada, 'lease')
    const messages = saidBy(ada)
    const rotation = messages.findIndex((message) => message.type === 'lease' && message.purpose === 'rotate')
    const after = messages
      .slice(rotation)
      .filter((message) => 'request' in message && message.request === lease?.request)
    expect(after).toEqual([])
    expect(said(ada, 'compact')).toEqual([])
    expect((await world.freshText()).length).toBe(1_000_000)
  })

  test('that is under way is not disturbed by a checkpoint', async () => {
    const gate = new Gate()
    const ada = await timed('Ada', {
      keys: async (request: { keyHint: string | null; after?: string }, options: object) => {
        if (request.after !== undefined) await gate.pass()
        return world.keys(request as never, options as never)
      },
    })
    await types(ada, 3)
    const rotated = ada.provider.rotateKey()
    await gate.reached
    const compacted = ada.provider.compact()
    // Who waits for it asks again every few seconds; for the key nobody waits longer than a minute.
    await clock.advance(MINUTE_MS / 2)
    expect(leasesOf(ada)).toEqual(['rotate'])
    gate.open()
    await passUntil(Promise.all([rotated, compacted]), [clock])
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('names as the checkpoint before it the one that somebody vouches for, though there is a newer one', async () => {
    const ada = await timed('Ada')
    await types(ada, 3)
    // Nobody else has written: nobody has to vouch for it.
    await passUntil(ada.provider.compact(), [clock])
    // For him no time passes: he never looks at what Ada makes.
    const bob = await world.joined('Bob', { unsafeClock: new FakeClock(Date.now()) })
    bob.text.insert(0, 'Bob. ')
    await bob.provider.flush()
    await untilText(ada.doc, bob.text.toString())
    await passUntil(ada.provider.compact(), [clock])
    const [named, unnamed] = said(ada, 'compact')
    await passUntil(ada.provider.rotateKey(), [clock])
    const { prevCheckpoint } = parseEpochRecord((await world.records()).at(-1) as Uint8Array)
    expect(prevCheckpoint).toEqual(named?.checkpoint)
    expect(prevCheckpoint).not.toEqual(unnamed?.checkpoint)
  })
})

test('while the key is retired and no other is to be had nobody seals a checkpoint with it; afterwards one is made', async () => {
  let isRetired = false
  const keys = withActive(world.keys, () => !isRetired)
  const ada = await timed('Ada', {
    expects: ['key-rotated'],
    keys: (async (request, options) => {
      if (isRetired && request.keyHint === null) throw new KeyError('key-refused', 'this member may not rotate')
      return keys(request, options)
    }) satisfies typeof keys,
  })
  await types(ada, 3)
  isRetired = true
  world.recheck()
  await passUntil(someProblem(ada), [clock])
  const compacted = ada.provider.compact()
  await clock.advance(5 * MINUTE_MS)
  expect(leasesOf(ada)).not.toContain('checkpoint')
  isRetired = false
  await passUntil(compacted, [clock])
  expect(await world.freshText()).toBe(ada.text.toString())
})

test.each(['leased', 'compacted'] as const)(
  'a relay that never says %s is left, and the checkpoint is made in the next session',
  async (answer) => {
    const ada = await timed('Ada', { expects: ['relay-fault'] })
    await types(ada, 3)
    ada.wire.drop('down', (message: Up | Down) => message.type === answer)
    await passUntil(ada.provider.compact(), [clock], 1_000)
    expect(codesOf(ada)).toEqual(['relay-fault'])
    expect(await world.freshText()).toBe(ada.text.toString())
  },
)
