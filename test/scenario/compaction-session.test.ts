import { parseEpochRecord } from '@y-sealed/envelope'
import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyError } from 'y-sealed'
import { until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { storeFalseCheckpoint } from '../support/false-checkpoint.ts'
import { Gate } from '../support/gate.ts'
import { withActive } from '../support/key-sources.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { codesOf, ofType, someProblem, synced } from '../support/steps.ts'
import { retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Where checkpoints meet the rest of a session: joins that break off, rotations, keys that are retired, a relay that owes an answer.

const MINUTE_MS = 60_000

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
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
  /** The one before is named; the newest is a member's fault. Bob has never been here. */
  async function falseNewest(expects: string[]): Promise<{ ada: Person; bob: Person; before: Uint8Array }> {
    const ada = await timed('Ada', { expects: ['member-fault'] })
    await types(ada, 3)
    await passUntil(ada.provider.compact(), [clock])
    const [compact] = said(ada, 'compact')
    if (compact === undefined) throw new Error('Ada has made a checkpoint')
    await types(ada, 1)
    ada.provider.destroy()
    await storeFalseCheckpoint(world, { update: new Uint8Array(40).fill(255) })
    const bob = world.person('Bob', { unsafeClock: clock, expects, connect: false })
    return { ada, bob, before: compact.checkpoint }
  }

  test('has the whole document, though the connection breaks before that one has come', async () => {
    const { ada, bob, before } = await falseNewest(['member-fault'])
    bob.wire.cutAt('up', (message) => message.type === 'fetch' && Buffer.compare(message.checkpoint, before) === 0)
    bob.provider.connect()
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toBe(ada.text.toString())
    expect(bob.wire.sockets.length).toBeGreaterThan(1)
  })

  test('has the whole document, though the key is rotated while the connection is broken', async () => {
    const { ada, bob, before } = await falseNewest(['member-fault'])
    bob.wire.cutAt('up', (message) => message.type === 'fetch' && Buffer.compare(message.checkpoint, before) === 0)
    const isBroken = until(bob.provider, 'connection-close')
    bob.provider.connect()
    await passUntil(isBroken, [clock], 1)
    bob.wire.unplug()
    const carol = await timed('Carol', { expects: ['member-fault'] })
    await passUntil(carol.provider.rotateKey(), [clock])
    bob.wire.calm()
    await passUntil(synced(bob), [clock])
    expect(bob.provider.epoch?.index).toBe(1)
    expect(bob.text.toString()).toBe(ada.text.toString())
  })

  test('has the whole document, though the relay at first does not have that one', async () => {
    const { ada, bob, before } = await falseNewest(['member-fault', 'withheld'])
    let isWithheld = false
    retell(bob, (message) => {
      const asked = said(bob, 'fetch').at(-1)
      if (message.type !== 'checkpoint' || isWithheld || asked === undefined) return [message]
      if (Buffer.compare(asked.checkpoint, before) !== 0) return [message]
      isWithheld = true
      const { channel, request } = message
      return [{ type: 'refused', channel, request, code: 'unknown', detail: '' }]
    })
    bob.provider.connect()
    await passUntil(synced(bob), [clock])
    expect(bob.text.toString()).toBe(ada.text.toString())
    expect(codesOf(bob)).toContain('withheld')
  })
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
