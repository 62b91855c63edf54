import {
  createEpochRecord,
  deriveEpochKeys,
  fingerprint,
  parseDocumentKey,
  parseEpochRecord,
  recordHash,
} from '@y-sealed/envelope'
import { parseHeader } from '@y-sealed/protocol/header'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { forgedEntry, hashAfter, keptKeys } from '../support/removed-member.ts'
import { indexesOf, passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, isEntries, nextSync, someProblem, synced } from '../support/steps.ts'
import { adaAndBob, BEFORE, becomesHonest, channelOf, flipped, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What a relay can do with epoch records and checkpoints: whatever it shows, nobody believes it, and nobody's document changes.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

/** In all places where the relay shows records. */
function retellRecords(person: Person, change: (records: Uint8Array[]) => Uint8Array[]): void {
  retell(person, (message) => {
    if (message.type === 'joined' || message.type === 'records')
      return [{ ...message, records: change(message.records) }]
    if (message.type === 'record') return change([message.record]).map((record) => ({ ...message, record }))
    return [message]
  })
}

/** Sealed by this person under a later epoch than the first. */
const sealedLater = (person: Person): number[] =>
  indexesOf(
    saidBy(person).flatMap((message) =>
      message.type === 'append' || message.type === 'stage'
        ? message.envelopes.map(({ envelope }) => ({ sequence: 0, envelope }))
        : [],
    ),
  ).filter((index) => index > 0)

/** Before the hint stand version, suite, stretch, index and the endpoint's number. */
const placeOfHint = (record: Uint8Array): number => Buffer.from(record).indexOf(parseEpochRecord(record).keyHint)

const withIndex = (record: Uint8Array, index: number): Uint8Array =>
  Uint8Array.of(...record.slice(0, 3), index, ...record.slice(4))

type Change = (record: Uint8Array) => Uint8Array

describe('a live member is shown a record with', () => {
  // Counted from its end: selfTag, linkTag, checkpoint, prevCheckpoint, prevH (32 bytes each), prevSequence (1), prevRecord, epochId.
  const changes: [string, Change, string][] = [
    ['other bytes altogether', () => new Uint8Array(300).fill(1), 'relay-fault'],
    ['a byte too many', (record) => Uint8Array.of(...record, 0), 'relay-fault'],
    ['a byte too few', (record) => record.slice(0, -1), 'relay-fault'],
    ['another version', (record) => flipped(record, 0), 'unsupported'],
    ['another selfTag', (record) => flipped(record, -1), 'key-mismatch'],
    ['another linkTag', (record) => flipped(record, -33), 'key-mismatch'],
    ['another checkpoint', (record) => flipped(record, -65), 'key-mismatch'],
    ['another prevH', (record) => flipped(record, -129), 'key-mismatch'],
    ['another prevSequence', (record) => flipped(record, -161), 'key-mismatch'],
    ['another prevRecord', (record) => flipped(record, -170), 'relay-fault'],
    ['another epochId', (record) => flipped(record, -200), 'key-mismatch'],
    ['another hint', (record) => flipped(record, placeOfHint(record)), 'key-unknown'],
    ['a higher index', (record) => withIndex(record, 5), 'key-mismatch'],
    ['an index that does not rise', (record) => withIndex(record, 0), 'relay-fault'],
  ]

  test.each(changes)('%s: nothing of it is believed', async (_, change, code) => {
    const { ada, bob } = await adaAndBob(
      world,
      clock,
      'relay-fault',
      'unsupported',
      'key-mismatch',
      'key-unknown',
      'fork',
      'rollback',
    )
    retellRecords(bob, (records) =>
      records.map((record) => (parseEpochRecord(record).index === 1 ? change(record) : record)),
    )
    await ada.provider.rotateKey()
    ada.text.insert(ada.text.length, 'after it. ')
    await ada.provider.flush()
    await passUntil(someProblem(bob), [clock])
    bob.text.insert(0, 'typed ')
    await clock.advance(5_000)
    expect(codesOf(bob)).toContain(code)
    expect(bob.provider.epoch?.index).toBe(0)
    expect(bob.text.toString()).toBe(`typed ${BEFORE}`)
    expect(sealedLater(bob)).toEqual([])
    await becomesHonest(world, clock, bob, { index: 1, text: `typed ${BEFORE}after it. ` })
    expect(bob.provider.epoch).toEqual(ada.provider.epoch)
  })

  test('one that was garbled once on its way, and is not shown again: it comes to itself without a new connection', async () => {
    const { ada, bob } = await adaAndBob(world, clock, 'key-mismatch')
    let times = 0
    retellRecords(bob, (records) => (times++ === 0 ? records.map((record) => flipped(record, -1)) : records))
    await ada.provider.rotateKey()
    await passUntil(someProblem(bob), [clock])
    await passUntil(
      untilTrue(bob.provider, 'epoch', () => bob.provider.epoch?.index === 1, 'bob to go on'),
      [clock],
    )
    expect(codesOf(bob)).toEqual(['key-mismatch'])
  })
})

describe('somebody comes back after three rotations, and is shown the records', () => {
  const AFTER = `${BEFORE}1. 2. 3. `

  async function awayForThree(...expects: string[]): Promise<{ ada: Person; bob: Person }> {
    const { ada, bob } = await adaAndBob(world, clock, ...expects)
    bob.wire.unplug()
    for (let index = 1; index <= 3; index++) {
      await ada.provider.rotateKey()
      ada.text.insert(ada.text.length, `${index}. `)
    }
    await ada.provider.flush()
    bob.wire.plug()
    return { ada, bob }
  }

  const without = (index: number) => (records: Uint8Array[]) =>
    records.filter((record) => parseEpochRecord(record).index !== index)

  test.each([1, 2, 3])(
    'without the one of epoch %i: it stays where it was, says rollback, and mixes nothing',
    async (index) => {
      const { bob } = await awayForThree('rollback', 'relay-fault')
      retellRecords(bob, without(index))
      bob.text.insert(0, 'typed ')
      await passUntil(someProblem(bob), [clock])
      await clock.advance(20_000)
      expect(codesOf(bob)).toContain('rollback')
      expect(bob.provider.synced).toBe(false)
      expect(`typed ${AFTER}`.startsWith(bob.text.toString())).toBe(true)
      expect(sealedLater(bob)).toEqual([])
      await becomesHonest(world, clock, bob, { index: 3, text: `typed ${AFTER}` })
    },
  )

  test.each([
    ['each of them twice', (records: Uint8Array[]) => records.flatMap((record) => [record, record])],
    [
      'one that it has invented before each',
      (records: Uint8Array[]) => records.flatMap((record) => [flipped(record, -1), record]),
    ],
    ['the newest first', (records: Uint8Array[]) => [...records].reverse()],
  ])('%s: it comes to the newest all the same', async (_, change) => {
    const { bob } = await awayForThree()
    retell(bob, (message) => [message.type === 'joined' ? { ...message, records: change(message.records) } : message])
    await passUntil(untilEpoch(bob, 3), [clock])
    await untilText(bob.doc, AFTER)
    await passUntil(synced(bob), [clock])
  })

  test('and one more, which follows the newest: that one it does not enter, and it reads what there is', async () => {
    const { bob } = await awayForThree('key-unknown')
    const newest = (await world.records()).at(-1) as Uint8Array
    const invented = flipped(withIndex(newest, 4), placeOfHint(newest))
    // prevRecord, prevSequence and prevH, before two hashes and two tags: all true, as the relay knows them.
    const log = await world.log()
    const ownEntries = log.filter(({ envelope }) => parseHeader(envelope).epochIndex === 3)
    const before = [...recordHash(newest), log.length, ...hashAfter(newest, ownEntries)]
    invented.set(before, newest.length - 4 * 32 - before.length)
    retellRecords(bob, (records) => [...records, invented])
    await passUntil(someProblem(bob), [clock])
    await untilText(bob.doc, AFTER)
    expect(codesOf(bob)).toEqual(['key-unknown'])
    expect(bob.provider.epoch?.index).toBe(3)
    expect(sealedLater(bob)).toEqual([])
    await becomesHonest(world, clock, bob, { index: 3, text: AFTER })
  })

  test('of another document: it stays where it was', async () => {
    const { bob } = await awayForThree('rollback')
    const other = await world.joined('Ada elsewhere', { room: 'another' })
    other.text.insert(0, 'not for here')
    await other.provider.rotateKey()
    const strange = await world.records('another')
    retellRecords(bob, () => strange)
    await passUntil(someProblem(bob), [clock])
    await clock.advance(20_000)
    expect(codesOf(bob)).toEqual(['rollback'])
    // Nor is mixed in what would fit his own log: whose it is, a person decides.
    const [record] = await world.records()
    const [first] = await world.log()
    if (record === undefined || first === undefined) throw new Error('there is an epoch with an entry')
    const forgery = await forgedEntry(await keptKeys(world, record), record, [first], 'mixed in')
    bob.wire.openSockets[0]?.deliver([
      { type: 'entries', channel: channelOf(bob), first: 2, hashBefore: forgery.hashBefore, entries: [forgery.entry] },
    ])
    await settle()
    expect(bob.doc.getText('forged').toString()).toBe('')
    expect(bob.text.toString()).toBe(BEFORE)
    await becomesHonest(world, clock, bob, { index: 3, text: AFTER })
  })
})

describe('somebody who has never been here is shown', () => {
  test('a list of records with a hole: relay-fault, and nothing of the document, until the relay tells the truth', async () => {
    const { ada } = await adaAndBob(world, clock)
    for (let time = 0; time < 2; time++) await ada.provider.rotateKey()
    const carol = world.person('Carol', { unsafeClock: clock, expects: ['relay-fault'], connect: false })
    retellRecords(carol, (records) => records.filter((record) => parseEpochRecord(record).index !== 1))
    carol.provider.connect()
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['relay-fault'])
    expect(carol.text.toString()).toBe('')
    expect(carol.provider.synced).toBe(false)
    await becomesHonest(world, clock, carol, { index: 2, text: BEFORE })
  })

  test('the records of another document: no key for them, and nothing is written into either', async () => {
    await adaAndBob(world, clock)
    const other = await world.joined('Ada elsewhere', { room: 'another' })
    other.text.insert(0, 'not for here')
    await other.provider.flush()
    const strange = await world.records('another')
    const carol = world.person('Carol', { unsafeClock: clock, expects: ['key-unknown'], connect: false })
    retellRecords(carol, () => strange)
    carol.provider.connect()
    carol.text.insert(0, 'mine. ')
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['key-unknown'])
    expect(saidBy(carol).map(({ type }) => type)).not.toContain('append')
    carol.wire.rewrite('down', undefined)
    carol.wire.cut()
    await passUntil(synced(carol), [clock])
    expect(carol.text.toString()).toContain(BEFORE)
    await passUntil(carol.provider.flush(), [clock])
    expect((await world.joined('elsewhere', { room: 'another' })).text.toString()).toBe('not for here')
  })
})

describe('a record that a member has made, for the relay to show', () => {
  interface Wrong {
    readonly index?: number
    /** That of the first epoch, in place of a new one. */
    readonly isOldKey?: true
    /** The endpoint's number of the key, from the last epoch's and the true one. */
    readonly number?: (last: number, own: number) => number
    readonly isUnlinked?: true
  }

  /** Ada has rotated once; somebody who can have every key makes a record after hers, in which one thing is wrong. */
  async function madeByMember(wrong: Wrong): Promise<{ ada: Person; bob: Person; record: Uint8Array }> {
    const { ada, bob } = await adaAndBob(world, clock, 'relay-fault', 'key-mismatch', 'fork', 'rollback')
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    const [first, last] = await world.records()
    if (first === undefined || last === undefined) throw new Error('there are two epochs')
    const { keyHint: oldHint } = parseEpochRecord(first)
    const { checkpoint, endpointEpoch = 0, keyHint: lastHint } = parseEpochRecord(last)
    // Ada has told the endpoint of her epoch: an answer that is still on its way would say that the key is retired, and she would rotate.
    for (let isTold = false; !isTold; ) {
      const told = (await world.keys({ documentId: 'room', keyHint: lastHint })) as { record?: string | null }
      isTold = typeof told.record === 'string'
    }
    if (!wrong.isOldKey) await world.keyAct('rotate')
    const answer = await world.keys({ documentId: 'room', keyHint: wrong.isOldKey ? oldHint : null })
    // What our own endpoint answers: to null also the hint.
    const { key, keyHint = oldHint, epoch } = answer as { key: string; keyHint?: string; epoch: number }
    const fresh = { documentId: 'room', keyHint, suite: 1, stretch: 0, ext: new Uint8Array(0) } as const
    const drawn = () => ({ ...fresh, nonce: crypto.getRandomValues(new Uint8Array(16)) })
    const keys = await deriveEpochKeys(parseDocumentKey(key), drawn())
    const record = await createEpochRecord(keys, {
      index: wrong.index ?? 2,
      endpointEpoch: wrong.number?.(endpointEpoch, epoch) ?? epoch,
      prevRecord: recordHash(last),
      previousKeys: wrong.isUnlinked
        ? await deriveEpochKeys(parseDocumentKey(key), drawn())
        : await keptKeys(world, last),
      prevSequence: 1,
      prevHash: hashAfter(last, []),
      prevCheckpoint: checkpoint,
    })
    return { ada, bob, record }
  }

  test.each<[string, Wrong, string]>([
    ['whose index does not rise', { index: 1 }, 'relay-fault'],
    ['with the hint of an epoch before', { isOldKey: true, number: (last) => last }, 'relay-fault'],
    ['with a number of its key that falls', { number: (last) => last - 1 }, 'relay-fault'],
    ['with a number of its key that the endpoint has not given it', { number: (_, own) => own + 1 }, 'fork'],
    ['that is not linked by the keys of the epoch before', { isUnlinked: true }, 'key-mismatch'],
  ])('%s: not entered', async (_, wrong, code) => {
    const { ada, bob, record } = await madeByMember(wrong)
    // The endpoint has another key by now: Bob may come to rotate himself, into an epoch that is his own.
    const entered: (string | undefined)[] = []
    bob.provider.on('epoch', () => void entered.push(bob.provider.epoch?.fingerprint))
    bob.wire.openSockets[0]?.deliver([
      { type: 'record', channel: channelOf(bob), sequence: 1, hash: new Uint8Array(8), record },
    ])
    await passUntil(someProblem(bob), [clock])
    expect(codesOf(bob)).toEqual([code])
    expect(bob.text.toString()).toBe(BEFORE)
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    bob.text.insert(0, 'typed. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, `typed. ${BEFORE}`)
    expect(entered).not.toContain(fingerprint(parseEpochRecord(record).epochId))
    expect(await world.records()).not.toContainEqual(record)
  })

  test('in which nothing is wrong, but which the relay never stored: it is entered, and left for what the relay has', async () => {
    const { ada, bob, record } = await madeByMember({})
    bob.wire.openSockets[0]?.deliver([
      { type: 'record', channel: channelOf(bob), sequence: 1, hash: new Uint8Array(8), record },
    ])
    await passUntil(untilEpoch(bob, 2), [clock])
    expect(bob.provider.epoch?.fingerprint).toBe(fingerprint(parseEpochRecord(record).epochId))
    bob.text.insert(0, 'typed. ')
    bob.wire.cut()
    await clock.advance(10_000)
    expect(ada.text.toString()).toBe(BEFORE)
    expect(codesOf(bob)).toEqual(['rollback'])
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
  })
})

describe('what comes in another order', () => {
  test('entries of the next epoch without its record: none is applied, and the record is asked for', async () => {
    const { ada, bob } = await adaAndBob(world, clock, 'relay-fault')
    retell(bob, (message) => (message.type === 'record' ? [] : [message]))
    await ada.provider.rotateKey()
    const shown = bob.wire.untilPassed('down', isEntries)
    ada.text.insert(0, 'after it. ')
    await shown
    await settle()
    expect(bob.text.toString()).toBe(BEFORE)
    // The join shows it.
    await passUntil(untilEpoch(bob, 1), [clock])
    await untilText(bob.doc, `after it. ${BEFORE}`)
  })

  test('the record before the rest of the log that it ends: the rest is read first', async () => {
    const { ada, bob } = await adaAndBob(world, clock)
    bob.wire.drop('down', isEntries)
    const lost = bob.wire.untilPassed('down', isEntries)
    ada.text.insert(0, 'the last before it. ')
    await lost
    await ada.provider.rotateKey()
    ada.text.insert(0, 'after it. ')
    await ada.provider.flush()
    await settle()
    expect(bob.text.toString()).toBe(BEFORE)
    expect(bob.provider.epoch?.index).toBe(0)
    await passUntil(untilEpoch(bob, 1), [clock])
    await untilText(bob.doc, `after it. the last before it. ${BEFORE}`)
    expect(bob.problems).toEqual([])
  })

  test('and the rest is kept back for good: the member stays in the old epoch, and says that something is missing', async () => {
    const { ada, bob } = await adaAndBob(world, clock, 'gap', 'relay-fault')
    retell(bob, (message) => (message.type === 'entries' && message.first === 2 ? [] : [message]))
    ada.text.insert(0, 'the last before it. ')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(0, 'after it. ')
    await passUntil(someProblem(bob), [clock])
    await clock.advance(10_000)
    expect(bob.text.toString()).toBe(BEFORE)
    expect(bob.provider.epoch?.index).toBe(0)
    await becomesHonest(world, clock, bob, { index: 1, text: `after it. the last before it. ${BEFORE}` })
  })
})
