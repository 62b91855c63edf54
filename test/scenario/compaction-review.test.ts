import { createSealer, EnvelopeKind, encodeWitnessBody, parseEpochRecord } from '@y-sealed/envelope'
import { type Down, encodeFrame, type Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { KeySource } from 'y-sealed'
import * as Y from 'yjs'
import { patiently, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { storeFalseCheckpoint } from '../support/false-checkpoint.ts'
import { forgetting } from '../support/key-sources.ts'
import { hashAfter, keptKeys, shownForgery } from '../support/removed-member.ts'
import { passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, ofType, someProblem, synced } from '../support/steps.ts'
import { BEFORE, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'
import { RawClient } from './relay-raw-client.ts'

// What a review of the provider's half of checkpoints has found. Each test fails for the reason that its name gives.

const MINUTE_MS = 60_000

let world: World
let clock: FakeClock
let relayClock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  relayClock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk', relayClock, retention: 'head' })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await world.close()
})

const timed = (name: string, options = {}): Promise<Person> => world.joined(name, { unsafeClock: clock, ...options })

async function types({ text, provider }: Person, words: number): Promise<void> {
  for (let word = 0; word < words; word++) {
    text.insert(text.length, `word ${word} `)
    await passUntil(provider.flush(), [clock])
  }
}

/** Large enough for the rule in a quiet room. */
const MANY = 80

const said = <Type extends Up['type']>(person: Person, type: Type): Extract<Up, { type: Type }>[] =>
  saidBy(person).filter((message): message is Extract<Up, { type: Type }> => message.type === type)

const compacts = (person: Person): Up[] => said(person, 'compact')
const namedBy = (person: Person): Up[] => said(person, 'append').filter(({ names }) => names !== undefined)

/** Whether a promise has settled after this much time of the clock. */
async function settlesWithin(promise: Promise<unknown>, ms: number, clocks = [clock]): Promise<boolean> {
  let isSettled = false
  promise.then(
    () => {
      isSettled = true
    },
    () => {
      isSettled = true
    },
  )
  for (let passedMs = 0; passedMs < ms && !isSettled; passedMs += 1_000)
    for (const each of clocks) await each.advance(1_000)
  return isSettled
}

/** A check that has begun reads the log and opens it: turns of its own, and no time by the clock. */
async function untilChecked({ provider }: Person): Promise<void> {
  while (provider.counters['checkpoints-checked'] === undefined) await settle()
}

const relaySweeps = (): Promise<void> => relayClock.advance(15 * MINUTE_MS)

describe('a member whose connection broke while another made a checkpoint of all that it has read', () => {
  /** Bob has read everything; while he is away, Ada makes a checkpoint of just that; he comes back. */
  async function comesBackToCheckpoint(): Promise<{ ada: Person; bob: Person }> {
    const bob = await timed('Bob')
    const ada = await timed('Ada')
    await types(ada, MANY)
    await untilText(bob.doc, ada.text.toString())
    bob.wire.unplug()
    await passUntil(ada.provider.compact(), [clock])
    bob.wire.plug()
    await passUntil(synced(bob), [clock])
    return { ada, bob }
  }

  test('finds that its wish is fulfilled', async () => {
    const { bob } = await comesBackToCheckpoint()
    const wished = bob.provider.compact()
    const isSettled = await settlesWithin(wished, 5 * MINUTE_MS)
    wished.catch(() => {})
    expect({ isSettled, uploads: compacts(bob).length }).toEqual({ isSettled: true, uploads: 0 })
  })

  test('and hears one more word, makes none of that word alone', async () => {
    const { ada, bob } = await comesBackToCheckpoint()
    await types(ada, 1)
    await clock.advance(60 * MINUTE_MS)
    expect(compacts(bob)).toHaveLength(0)
  })
})

test('a member whose checkpoint is refused gives the lease back', async () => {
  const ada = await timed('Ada')
  const bob = await timed('Bob')
  await types(ada, 1)
  await untilText(bob.doc, ada.text.toString())
  // That Ada has made one is still on its way to Bob when he begins.
  let news: (() => void) | undefined
  bob.wire.rewrite('down', (messages, socket) => {
    const late = messages.filter(
      ({ type, ...message }) => type === 'compacted' && 'request' in message && message.request === 0,
    )
    if (late.length === 0) return messages
    news = () => socket.deliver(late as Down[])
    return messages.filter((message) => !late.includes(message))
  })
  await passUntil(ada.provider.compact(), [clock])
  const refused = bob.wire.untilPassed('down', ofType('refused'))
  const wished = bob.provider.compact()
  wished.catch(() => {})
  await passUntil(refused, [clock])
  news?.()
  await passUntil(wished, [clock])
  await types(ada, 1)
  // Bob is there, is heard, and does nothing: longer than any lease that its holder has forgotten.
  const late = ada.provider.compact()
  late.catch(() => {})
  expect(await settlesWithin(late, 5 * MINUTE_MS, [clock, relayClock])).toBe(true)
}, 60_000)

describe('a checkpoint that is being made', () => {
  test('is no answer to a wish that came after it was sealed', async () => {
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'first. ')
    await ada.provider.flush()
    // Her upload takes a while on its way; what she says meanwhile overtakes nothing of it that matters.
    let late: (() => void) | undefined
    ada.wire.rewrite('up', (messages, socket) => {
      const [message] = messages
      if (message?.type !== 'compact' || late !== undefined) return messages
      late = () => socket.send(encodeFrame(messages as Up[]))
      return []
    })
    const first = ada.provider.compact()
    while (late === undefined) await settle()
    ada.text.insert(0, 'second. ')
    await ada.provider.flush()
    const second = ada.provider.compact()
    await settle()
    late()
    await patiently(Promise.all([first, second]), 'both checkpoints')
    const last = said(ada, 'compact').at(-1)
    expect(last?.sequence).toBe(2)
  })

  test('does not keep the lease from everybody else while its author has a change that the relay does not take', async () => {
    await world.close()
    world = await startWorld({ data: 'disk', relayClock, relayLimits: { maxAppendBytes: 300_000 } })
    const ada = await timed('Ada', { expects: ['limit'] })
    await types(ada, MANY)
    ada.doc.getText('paste').insert(0, 'x'.repeat(400_000))
    await expect(ada.provider.flush()).rejects.toMatchObject({ code: 'limit' })
    // By the rule it is due; she could not end it while the paste is there.
    await clock.advance(5 * MINUTE_MS)
    expect(said(ada, 'lease')).toEqual([])
    const bob = await timed('Bob')
    const wished = bob.provider.compact()
    wished.catch(() => {})
    expect(await settlesWithin(wished, 5 * MINUTE_MS, [clock, relayClock])).toBe(true)
  })

  test('and is interrupted by a rotation that comes to nothing, is made all the same', async () => {
    const key = 'bbbbbbbbbbbbbbbbabcdefghijklmnopqrstuvwxyz'
    const keys: KeySource = async () => ({ key, keyHint: '' })
    const ada = await timed('Ada', { keys })
    await types(ada, 3)
    // A room where nothing else happens.
    await clock.advance(5 * MINUTE_MS)
    const isAsked = ada.wire.untilPassed('up', ofType('lease'))
    const compacted = ada.provider.compact()
    compacted.catch(() => {})
    await isAsked
    const rotated = ada.provider.rotateKey()
    await passUntil(expect(rotated).rejects.toMatchObject({ code: 'rotation-unsupported' }), [clock])
    expect(await settlesWithin(compacted, 5 * MINUTE_MS)).toBe(true)
  })

  test('that was too large for the relay is refused again to who asks again, and not an hour later', async () => {
    await world.close()
    world = await startWorld({ data: 'disk', relayLimits: { maxAppendBytes: 300_000 } })
    const ada = await timed('Ada', { expects: ['limit'] })
    for (let i = 0; i < 2; i++) {
      ada.text.insert(0, 'x'.repeat(200_000))
      await passUntil(ada.provider.flush(), [clock])
    }
    await passUntil(expect(ada.provider.compact()).rejects.toMatchObject({ code: 'limit' }), [clock])
    const again = ada.provider.compact()
    again.catch(() => {})
    expect(await settlesWithin(again, 5 * MINUTE_MS)).toBe(true)
  })

  test('is refused to who comes back as a reader, and told so', async () => {
    await world.close()
    world = await startWorld({
      data: 'disk',
      relayClock,
      auth: async (token) => ({ subject: token, role: token === 'reader' ? 'read' : 'write' }),
    })
    let token = 'writer'
    const ada = await timed('Ada', { token: () => token })
    await types(ada, 3)
    ada.wire.drop('up', ofType('lease'))
    const compacted = ada.provider.compact()
    compacted.catch(() => {})
    await ada.wire.untilPassed('up', ofType('lease'))
    token = 'reader'
    ada.wire.cut()
    await passUntil(synced(ada), [clock])
    expect(ada.provider.canWrite).toBe(false)
    expect(await settlesWithin(compacted, 5 * MINUTE_MS)).toBe(true)
    await expect(compacted).rejects.toMatchObject({ code: 'write-denied' })
  })
})

describe('a tail that is due', () => {
  test('is compacted in a quiet room although its author reconnected right after typing it', async () => {
    const ada = await timed('Ada')
    await types(ada, MANY)
    ada.wire.cut()
    await passUntil(synced(ada), [clock])
    await clock.advance(60 * MINUTE_MS)
    expect(compacts(ada)).toHaveLength(1)
  })

  test('after a rotation is measured against the checkpoint that the rotator has just uploaded', async () => {
    const ada = await timed('Ada')
    ada.text.insert(0, 'x'.repeat(2 * 1024 * 1024))
    await passUntil(ada.provider.flush(), [clock])
    await passUntil(ada.provider.rotateKey(), [clock])
    // A fiftieth of the document, and a fifth of what is worth an upload.
    await types(ada, MANY)
    await clock.advance(60 * MINUTE_MS)
    expect(compacts(ada)).toHaveLength(0)
  })
})

describe('a rotation after a checkpoint', () => {
  /** Epoch 0 has a named checkpoint, and Bob, who was there, has come into epoch 1. */
  async function rotated(): Promise<{ ada: Person; bob: Person }> {
    const ada = await timed('Ada')
    await types(ada, 5)
    await passUntil(ada.provider.compact(), [clock])
    const bob = await timed('Bob')
    await passUntil(ada.provider.rotateKey(), [clock])
    await passUntil(untilEpoch(bob, 1), [clock])
    return { ada, bob }
  }

  test('leaves nothing to compare: the first checkpoint of an epoch counts as named', async () => {
    const { bob } = await rotated()
    await types(bob, 2)
    await clock.advance(5 * MINUTE_MS)
    expect({ fetched: said(bob, 'fetch').length - 1, named: namedBy(bob).length }).toEqual({ fetched: 0, named: 0 })
  })

  test('names a checkpoint of its own epoch as the one before, when somebody rotates again', async () => {
    const { bob } = await rotated()
    await types(bob, 2)
    await passUntil(bob.provider.rotateKey(), [clock])
    const [, second, third] = (await world.records()).map(parseEpochRecord)
    expect(third?.prevCheckpoint).toEqual(second?.checkpoint)
  })
})

describe('a check', () => {
  test('does not take the history away: what the relay keeps can be opened after it', async () => {
    const ada = await timed('Ada')
    const bob = await timed('Bob')
    await types(ada, 5)
    await types(bob, 5)
    await untilText(ada.doc, bob.text.toString())
    await passUntil(ada.provider.compact(), [clock])
    for (let seconds = 0; seconds < 120 && namedBy(bob).length === 0; seconds++) await clock.advance(1_000)
    expect(namedBy(bob)).toHaveLength(1)
    const past = await bob.provider.openEpoch(0, 1)
    expect(past.getText('text').toString()).toBe('word 0 ')
  })

  test('finds what a checkpoint holds and the log has never held: all see it, or nobody', async () => {
    const ada = await timed('Ada', { expects: ['member-fault', 'checkpoint-incomplete'] })
    await types(ada, 1)
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(ada.doc))
    copy.getText('text').insert(0, 'never in the log. ')
    await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(copy) })
    await types(ada, 1)
    await clock.advance(3 * MINUTE_MS)
    await passUntil(ada.provider.flush(), [clock])
    const bob = await timed('Bob')
    const at = bob.text.toString().indexOf('log')
    if (at >= 0) bob.text.insert(at, 'and next to it ')
    await passUntil(bob.provider.flush(), [clock])
    await settle()
    expect(ada.doc.store.pendingStructs).toBe(null)
    expect(ada.text.toString()).toBe(bob.text.toString())
  })

  test('by another session of the author does not stand for that of another member', async () => {
    await world.close()
    world = await startWorld({
      data: 'disk',
      relayClock,
      retention: 'head',
      auth: async (token) => ({ subject: token, role: 'write' }),
    })
    const ada = await timed('Ada', { token: 'ada' })
    const tab = await timed('another tab of Ada', { token: 'ada' })
    const bob = await timed('Bob', { token: 'bob' })
    for (const person of [ada, tab, bob]) await types(person, 5)
    await untilText(ada.doc, bob.text.toString())
    bob.provider.destroy()
    await passUntil(ada.provider.compact(), [clock])
    // The other tab draws the earlier lot: for the relay it is the author, and its word counts only a day later.
    for (let seconds = 0; seconds < 120 && namedBy(tab).length === 0; seconds++) await clock.advance(1_000)
    const again = await timed('Bob again', { token: 'bob' })
    await types(again, 1)
    await clock.advance(10 * MINUTE_MS)
    await relaySweeps()
    expect(namedBy(again)).toHaveLength(1)
    // Of the fifteen before it none: one behind it, and witnesses.
    expect((await world.usage()).entries).toBeLessThan(10)
  })
})

describe('a false checkpoint', () => {
  test('is compared with the one that the epoch began with, whatever the relay says of a base', async () => {
    const ada = await timed('Ada')
    await types(ada, 3)
    await passUntil(ada.provider.rotateKey(), [clock])
    await types(ada, 1)
    const whole = ada.text.toString()
    ada.provider.destroy()
    await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(new Y.Doc()) })
    const bob = world.person('Bob', { unsafeClock: clock, expects: ['checkpoint-incomplete'] })
    retell(bob, (message) => {
      if (message.type !== 'joined') return [message]
      const { base: _, ...rest } = message
      return [rest]
    })
    await passUntil(synced(bob), [clock])
    await types(bob, 1)
    await clock.advance(5 * MINUTE_MS)
    await untilChecked(bob)
    await passUntil(bob.provider.flush(), [clock])
    expect(bob.provider.counters['checkpoints-checked']).toBe(1)
    expect({ told: codesOf(bob), text: bob.text.toString().includes(whole.slice(0, 14)) }).toEqual({
      told: ['checkpoint-incomplete'],
      text: true,
    })
  })

  test('that breaks off is taken as a whole or not at all', async () => {
    const ada = await timed('Ada')
    await types(ada, 1)
    const before = ada.text.toString()
    const other = new Y.Doc()
    other.getText('text').insert(0, 'half of it. ')
    const update = Y.encodeStateAsUpdate(other)
    // The structs are whole; the delete set claims more than is there.
    update[update.length - 1] = 5
    await storeFalseCheckpoint(world, { update })
    const bob = await timed('Bob', { expects: ['member-fault'] })
    await passUntil(bob.provider.flush(), [clock])
    await settle()
    expect({ bob: bob.text.toString(), ada: ada.text.toString() }).toEqual({ bob: before, ada: before })
  })
})

/** A member that has the keys, and no provider of ours, appends something of its own. */
async function appendsRaw(
  kind: typeof EnvelopeKind.update | typeof EnvelopeKind.witness,
  bodyOf: (at: { sequence: number; hash: Uint8Array }) => Uint8Array,
) {
  const record = (await world.records()).at(-1)
  if (record === undefined) throw new Error('there is an epoch')
  const keys = await keptKeys(world, record)
  const log = await world.log()
  const at = { sequence: log.at(-1)?.sequence ?? 0, hash: hashAfter(record, log) }
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const client = await RawClient.connect(world.relayUrl)
  await client.join('room')
  const answer = await client.append(await sealer.seal(kind, bodyOf(at), { birth: at }))
  client.end()
  keys.forget()
  expect(answer.type).toBe('ack')
}

describe('a hostile member', () => {
  test('that names its own false checkpoint in a witness keeps nobody from looking at it', async () => {
    await world.close()
    world = await startWorld({
      data: 'disk',
      relayClock,
      retention: 'head',
      auth: async (token) => ({ subject: token === '' ? 'mallory' : token, role: 'write' }),
    })
    const ada = await timed('Ada', { token: 'ada', expects: ['checkpoint-incomplete'] })
    await types(ada, 3)
    const checkpoint = await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(new Y.Doc()) })
    await appendsRaw(EnvelopeKind.witness, (at) => encodeWitnessBody({ ...at, checkpoint, unixMs: Date.now() }))
    await types(ada, 1)
    await clock.advance(5 * MINUTE_MS)
    await passUntil(ada.provider.flush(), [clock])
    // The relay did not count it: for who comes now the log before that checkpoint is still there, and nobody says what is missing.
    const bob = await timed('Bob', { token: 'bob', expects: ['checkpoint-incomplete'] })
    await settle()
    expect({ told: codesOf(ada), bob: bob.text.toString() }).toEqual({
      told: ['checkpoint-incomplete'],
      bob: ada.text.toString(),
    })
  })

  test('whose entry is no update is told of once, and not again at each check', async () => {
    const bob = await timed('Bob', { expects: ['member-fault'] })
    await types(bob, 1)
    await appendsRaw(EnvelopeKind.update, () => new Uint8Array(40).fill(255))
    await settle()
    expect(codesOf(bob)).toEqual(['member-fault'])
    await storeFalseCheckpoint(world, { update: Y.encodeStateAsUpdate(bob.doc) })
    bob.provider.destroy()
    const carol = await timed('Carol')
    await types(carol, 1)
    await clock.advance(5 * MINUTE_MS)
    await untilChecked(carol)
    // She began behind it: it is nothing to her, and she found nothing wrong.
    expect(carol.provider.counters['checkpoints-checked']).toBe(1)
    expect(codesOf(carol)).toEqual([])
  })
})

describe('a device that holds what the document does not have', () => {
  test('is told that it makes no checkpoint, as it is told that it makes no epoch', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    bob.text.insert(0, 'Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    const wished = bob.provider.compact()
    wished.catch(() => {})
    expect(await settlesWithin(wished, 5 * MINUTE_MS, [clock, relayClock])).toBe(true)
    await expect(wished).rejects.toMatchObject({ code: 'fork' })
  })
})

describe('a relay in league with a removed member', () => {
  test('cannot have his late entries carried over by saying that it has pruned', async () => {
    const { ada, bob } = await shownForgery(world, clock, 'fork')
    bob.wire.unplug()
    await ada.provider.rotateKey()
    retell(bob, (message) =>
      message.type === 'joined' ? [{ ...message, confirmed: false, pruned: message.sequence }] : [message],
    )
    bob.wire.plug()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    await passUntil(bob.provider.flush(), [clock])
    await settle()
    expect(ada.doc.getText('forged').toString()).toBe('')
    expect(codesOf(bob)).toEqual(['fork'])
    expect(ada.text.toString()).toBe(BEFORE)
  })
})

describe('a member who begins with a checkpoint over a slow line', () => {
  test('and others write on meanwhile, sees no hole in the log', async () => {
    await world.close()
    world = await startWorld({ data: 'disk', retention: 'head', relayLimits: { pruneGraceMs: 0, sweepMs: 20 } })
    const bob = await timed('Bob')
    const ada = await timed('Ada')
    await types(ada, 1)
    await untilText(bob.doc, ada.text.toString())
    bob.wire.unplug()
    for (let piece = 0; piece < 8; piece++) {
      ada.doc.getText('paste').insert(0, 'x'.repeat(200_000))
      await passUntil(ada.provider.flush(), [clock])
    }
    await passUntil(ada.provider.compact(), [clock])
    await world.untilUsage(({ historyEntries, entries }) => historyEntries + entries === 0)
    // The document is on its way for a quarter of a minute.
    bob.wire.throttle('down', 100_000, clock)
    bob.wire.plug()
    for (let seconds = 0; seconds < 60 && !bob.provider.synced; seconds++) {
      ada.text.insert(0, 'on ')
      await clock.advance(1_000)
    }
    expect({ isSynced: bob.provider.synced, told: codesOf(bob) }).toEqual({ isSynced: true, told: [] })
  }, 60_000)

  test('that is replaced, and the log behind it dropped, before it has come, becomes live all the same', async () => {
    await world.close()
    world = await startWorld({ data: 'disk', retention: 'head', relayLimits: { pruneGraceMs: 0, sweepMs: 20 } })
    const bob = await timed('Bob')
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'one. ')
    await ada.provider.flush()
    await untilText(bob.doc, 'one. ')
    bob.wire.unplug()
    for (const word of ['two. ', 'three. ']) {
      ada.text.insert(0, word)
      await ada.provider.flush()
    }
    await ada.provider.compact()
    await world.untilUsage(({ historyEntries, entries }) => historyEntries + entries === 0)
    bob.wire.hold('down', ofType('checkpoint'))
    const isComing = bob.wire.untilPassed('down', ofType('checkpoint'))
    bob.wire.plug()
    await passUntil(isComing, [clock])
    ada.text.insert(0, 'four. ')
    await ada.provider.flush()
    await ada.provider.compact()
    await world.untilUsage(({ historyEntries, entries }) => historyEntries + entries === 0)
    bob.wire.release('down')
    const isSynced = await settlesWithin(synced(bob), 5 * MINUTE_MS)
    expect({ isSynced, reads: said(bob, 'read').length < 5 }).toEqual({ isSynced: true, reads: true })
    expect(bob.text.toString()).toBe(ada.text.toString())
  }, 60_000)
})

describe('a document whose newest key is lost', () => {
  test('is rescued from the checkpoint of the epoch before, where the relay keeps nothing older', async () => {
    await world.close()
    world = await startWorld({
      data: 'disk',
      relayClock,
      retention: 60 * MINUTE_MS,
      relayLimits: { pruneGraceMs: 0 },
    })
    const lost = new Set<string>()
    const keys = forgetting(world.keys, lost)
    const ada = await world.joined('Ada', { keys })
    ada.text.insert(0, 'readable. ')
    await ada.provider.flush()
    await ada.provider.compact()
    ada.text.insert(0, 'and so is this. ')
    await ada.provider.flush()
    const before = ada.text.toString()
    await relayClock.advance(5 * 60 * MINUTE_MS)
    await ada.provider.rotateKey()
    lost.add(ada.provider.epoch?.keyHint ?? '')
    ada.provider.destroy()
    const bob = world.person('Bob', { keys, expects: ['key-unknown'] })
    await someProblem(bob)
    await patiently(bob.provider.rotateKey({ replace: true }), 'the epoch to be replaced')
    expect(bob.text.toString()).toBe(before)
  })
})

test('a member whose own unsent words somebody has deleted sees no fault in a checkpoint', async () => {
  const ada = await timed('Ada')
  const bob = await timed('Bob')
  ada.doc.getMap('map').set('note', new Y.Text('note'))
  await passUntil(ada.provider.flush(), [clock])
  await types(bob, 1)
  await untilText(ada.doc, bob.text.toString())
  const note = bob.doc.getMap('map').get('note') as Y.Text
  // What Bob says of it is lost on its way: a bad line, or more than the relay takes.
  bob.wire.drop('up', ofType('append'))
  note.insert(0, 'mine ')
  await bob.wire.untilPassed('up', ofType('append'))
  ada.doc.getMap('map').delete('note')
  await passUntil(ada.provider.flush(), [clock])
  await settle()
  vi.spyOn(Math, 'random').mockReturnValue(0.01)
  await passUntil(ada.provider.compact(), [clock])
  await clock.advance(2_000)
  await untilChecked(bob)
  expect(bob.provider.counters['checkpoints-checked']).toBe(1)
  expect(codesOf(bob)).toEqual([])
})
