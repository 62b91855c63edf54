import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { storeFalseCheckpoint } from '../support/false-checkpoint.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { codesOf, isEntries, ofType, someProblem, synced } from '../support/steps.ts'
import { witnessesIn } from '../support/witness-steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Who vouches for a checkpoint (protocol §7 "Checkpoint", races M8 and M9): somebody other than its author has compared it with the log, and the relay drops
// nothing before that.

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

/** Somebody to whom the relay says at the join that they may only read. */
async function readOnly(name: string): Promise<Person> {
  const person = world.person(name, { unsafeClock: clock, connect: false })
  person.wire.rewrite('down', (said) =>
    (said as Down[]).map((message) => (message.type === 'joined' ? { ...message, role: 'read' as const } : message)),
  )
  person.provider.connect()
  await passUntil(synced(person), [clock])
  return person
}

async function types({ text, provider }: Person, words: number): Promise<void> {
  for (let word = 0; word < words; word++) {
    text.insert(text.length, `word ${word} `)
    await passUntil(provider.flush(), [clock])
  }
}

/** What somebody's appends have named. */
const namedBy = (person: Person): Up[] =>
  saidBy(person).filter((message) => message.type === 'append' && message.names !== undefined)

/** Everybody draws their lot; time goes on until somebody has named the newest checkpoint. */
async function untilNamed(...people: Person[]): Promise<void> {
  const hasNamed = (): boolean => people.some((person) => namedBy(person).length > 0)
  for (let seconds = 0; seconds < 300 && !hasNamed(); seconds++) await clock.advance(1_000)
  await passUntil(Promise.all(people.map(({ provider }) => provider.flush())), [clock])
}

/** Somebody has found that a checkpoint lacks something, and what it lacks is in the log. */
async function untilHealed(person: Person): Promise<void> {
  await passUntil(someProblem(person), [clock], 1_000)
  await passUntil(person.provider.flush(), [clock])
}

/** Long enough for every lot. */
const passAMinute = (): Promise<void> => clock.advance(2 * MINUTE_MS)

/** The relay drops what nobody needs any more. */
const relaySweeps = (): Promise<void> => relayClock.advance(15 * MINUTE_MS)

describe('a checkpoint', () => {
  test('is named by one other member who has written, and the relay then drops the log before it', async () => {
    const ada = await timed('Ada')
    const bob = await timed('Bob')
    const carol = await timed('Carol')
    for (const person of [ada, bob, carol]) await types(person, 5)
    await untilText(ada.doc, carol.text.toString())
    // No time passes: a lot that is already due would name it here.
    await patiently(ada.provider.compact(), 'a checkpoint')
    await relaySweeps()
    expect(await world.usage()).toMatchObject({ entries: 15, historyEntries: 0 })
    await untilNamed(bob, carol)
    // Both may have drawn the same lot; that neither has would leave the log as it is for ever.
    expect(namedBy(bob).length + namedBy(carol).length).toBeGreaterThanOrEqual(1)
    expect(namedBy(ada)).toEqual([])
    await relaySweeps()
    const { entries, historyEntries } = await world.usage()
    expect(historyEntries).toBe(0)
    // Witnesses: those that name it, and what is due behind it anyway.
    expect(entries).toBeLessThanOrEqual(5)
    expect(await world.freshText()).toBe(carol.text.toString())
  })

  test('is not named by its author, nor by whoever may only read', async () => {
    const ada = await timed('Ada')
    await types(ada, 5)
    const bob = await timed('Bob')
    await types(bob, 1)
    await untilText(ada.doc, bob.text.toString())
    bob.provider.destroy()
    const carol = await readOnly('Carol')
    await passUntil(ada.provider.compact(), [clock])
    await passAMinute()
    expect([...namedBy(ada), ...namedBy(carol)]).toEqual([])
    await relaySweeps()
    const kept = (await world.log()).length - (await witnessesIn(world)).length
    expect([kept, (await world.usage()).historyEntries]).toEqual([6, 0])
  })

  test('of a document in which nobody else has written needs nobody', async () => {
    const ada = await timed('Ada')
    await types(ada, 5)
    await passUntil(ada.provider.compact(), [clock])
    await relaySweeps()
    expect(await world.usage()).toMatchObject({ entries: 0, historyEntries: 0 })
    expect(await world.freshText()).toBe(ada.text.toString())
  })

  test('with which a member began is compared with the one before and the log between', async () => {
    const ada = await timed('Ada')
    await types(ada, 3)
    await passUntil(ada.provider.compact(), [clock])
    const bob = await timed('Bob')
    await types(bob, 3)
    await untilText(ada.doc, bob.text.toString())
    await passUntil(ada.provider.compact(), [clock])
    for (const { provider } of [ada, bob]) provider.destroy()
    const carol = await timed('Carol')
    await types(carol, 1)
    await untilNamed(carol)
    expect(namedBy(carol)).toHaveLength(1)
    expect(carol.provider.counters['checkpoints-checked']).toBe(1)
  })
})

describe('a checkpoint that lacks some of the log', () => {
  const SECRET = 'to be deleted '

  /** Ada has written something and deleted a part of it; what she had before is what a careless or hostile member makes a checkpoint of. */
  async function deletedPart(expects: string[] = []): Promise<{ ada: Person; before: Uint8Array; text: string }> {
    const ada = await timed('Ada', { expects })
    ada.text.insert(0, `${SECRET}and kept`)
    await passUntil(ada.provider.flush(), [clock])
    const before = Y.encodeStateAsUpdate(ada.doc)
    ada.text.delete(0, SECRET.length)
    await passUntil(ada.provider.flush(), [clock])
    return { ada, before, text: 'and kept' }
  }

  test('D11: a deletion: who was there publishes it again, and only then is it named', async () => {
    const { ada, before, text } = await deletedPart(['checkpoint-incomplete'])
    await storeFalseCheckpoint(world, { update: before })
    // Before anybody has looked, a newcomer sees what the checkpoint holds.
    const bob = await timed('Bob', { expects: ['checkpoint-incomplete'] })
    expect(bob.text.toString()).toBe(`${SECRET}${text}`)
    await untilHealed(ada)
    expect(codesOf(ada)).toEqual(['checkpoint-incomplete'])
    await untilText(bob.doc, text)
    expect(await world.freshText()).toBe(text)
    await passUntil(ada.provider.flush(), [clock])
    await untilNamed(ada)
    expect(namedBy(ada)).toHaveLength(1)
    await relaySweeps()
    expect(await world.freshText()).toBe(text)
  })

  test('D11: an insertion, and nobody is there any more: who began with it reads the log before it, and publishes what it lacks', async () => {
    const { ada, text } = await deletedPart()
    ada.provider.destroy()
    await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(new Y.Doc()) })
    const bob = await timed('Bob', { expects: ['checkpoint-incomplete'] })
    expect(bob.text.toString()).toBe('')
    bob.text.insert(0, 'Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilHealed(bob)
    expect(codesOf(bob)).toEqual(['checkpoint-incomplete'])
    await passUntil(bob.provider.flush(), [clock])
    const whole = bob.text.toString()
    expect(whole).toContain(text)
    expect(whole).not.toContain(SECRET)
    expect(await world.freshText()).toBe(whole)
    await untilNamed(bob)
    await relaySweeps()
    expect(await world.freshText()).toBe(whole)
  })

  test('bytes that are nothing to Yjs: whoever opens it begins with the one before', async () => {
    const { ada, text } = await deletedPart(['member-fault'])
    await storeFalseCheckpoint(world, { update: new Uint8Array(40).fill(255) })
    const bob = await timed('Bob', { expects: ['member-fault'] })
    expect(bob.text.toString()).toBe(text)
    expect(codesOf(bob)).toEqual(['member-fault'])
    expect(ada.text.toString()).toBe(text)
  })

  test('one that says under seal that it stands elsewhere: likewise', async () => {
    const { text, ada } = await deletedPart(['member-fault'])
    await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(ada.doc), sealedSequence: 1 })
    const bob = await timed('Bob', { expects: ['member-fault'] })
    expect(bob.text.toString()).toBe(text)
    expect(codesOf(bob)).toEqual(['member-fault'])
    bob.text.insert(0, 'Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, `Bob. ${text}`)
  })
})

describe('who was away while the log was dropped', () => {
  /** Ada and Bob have written; Bob goes; Ada and Carol make a checkpoint and vouch for it, and the relay drops what is before. */
  async function droppedBehind(bobOptions = {}): Promise<{ ada: Person; bob: Person }> {
    const ada = await timed('Ada')
    const bob = await timed('Bob', bobOptions)
    const carol = await timed('Carol')
    await types(bob, 3)
    await untilText(ada.doc, bob.text.toString())
    bob.wire.unplug()
    await types(carol, 20)
    await untilText(ada.doc, carol.text.toString())
    await passUntil(ada.provider.compact(), [clock])
    await untilNamed(carol)
    await relaySweeps()
    // Witnesses: those that name it, and what is due behind it anyway.
    expect((await world.usage()).entries).toBeLessThanOrEqual(5)
    return { ada, bob }
  }

  async function comesBack(bob: Person): Promise<void> {
    bob.wire.calm()
    await passUntil(synced(bob), [clock])
  }

  test('comes back without an alarm, and brings what it has written', async () => {
    const { ada, bob } = await droppedBehind()
    bob.text.insert(0, 'offline. ')
    await comesBack(bob)
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, bob.text.toString())
    expect(bob.text.toString().startsWith('offline. word 0')).toBe(true)
    expect(codesOf(bob)).toEqual([])
  })

  test('and has nothing to bring, sends nothing', async () => {
    const { ada, bob } = await droppedBehind()
    const appends = saidBy(bob).filter(ofType('append')).length
    await comesBack(bob)
    await untilText(bob.doc, ada.text.toString())
    expect(saidBy(bob).filter(ofType('append'))).toHaveLength(appends)
  })

  test('and finds a later epoch, begins with that one', async () => {
    const { ada, bob } = await droppedBehind()
    bob.text.insert(0, 'offline. ')
    await passUntil(ada.provider.rotateKey(), [clock])
    await types(ada, 2)
    await relaySweeps()
    await comesBack(bob)
    await passUntil(bob.provider.flush(), [clock])
    expect(bob.provider.epoch?.index).toBe(1)
    await untilText(ada.doc, bob.text.toString())
    expect(codesOf(bob)).toEqual([])
  })

  test('or was there and missed something that is not kept any more, begins with the checkpoint', async () => {
    await world.close()
    // A relay that says nothing of where its log stands.
    const relayLimits = { heartbeatAfterChangeMs: 86_400_000, heartbeatMs: 86_400_000 }
    world = await startWorld({ data: 'disk', relayClock, relayLimits, retention: 'head' })
    const [ada, bob, carol] = [await timed('Ada'), await timed('Bob'), await timed('Carol')]
    await types(carol, 3)
    await untilText(bob.doc, carol.text.toString())
    bob.wire.drop('down', isEntries, 3)
    await types(carol, 3)
    await untilText(ada.doc, carol.text.toString())
    bob.wire.hold('down')
    await passUntil(ada.provider.compact(), [clock])
    await untilNamed(carol)
    await relaySweeps()
    bob.wire.release('down')
    await types(ada, 1)
    await passUntil(untilText(bob.doc, ada.text.toString()), [clock])
    bob.text.insert(0, 'Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, bob.text.toString())
    expect(codesOf(bob)).toEqual([])
  })

  test('looks at the history from the checkpoint on, and is told that the rest is not kept', async () => {
    const { ada } = await droppedBehind()
    const [epoch] = await ada.provider.epochs()
    expect(epoch?.from).toBe(24)
    await expect(ada.provider.openEpoch(0, 3)).rejects.toMatchObject({ code: 'pruned' })
    const past = await ada.provider.openEpoch(0)
    expect(past.getText('text').toString()).toBe(ada.text.toString())
    await passUntil(ada.provider.rotateKey(), [clock])
    await relaySweeps()
    const eve = await timed('Eve')
    const [old] = await eve.provider.epochs()
    expect(old).toMatchObject({ index: 0, locked: 'pruned' })
    await expect(eve.provider.openEpoch(0)).rejects.toMatchObject({ code: 'pruned' })
  })
})
