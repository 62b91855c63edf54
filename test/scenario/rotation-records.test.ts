import { createEpochRecord, deriveEpochKeys, parseDocumentKey, parseEpochRecord, recordHash } from '@y-sealed/envelope'
import { type Checkpoint, type Down, hashPrefix } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { sealCheckpoint } from '../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import { untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { forgedEntry, hashAfter, keptKeys } from '../support/removed-member.ts'
import { indexesOf, passUntil, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, isEntries, nextSync, ofType, someProblem, synced } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What a relay can do with epoch records and checkpoints: whatever it shows, nobody believes it, and nobody's document changes.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

const BEFORE = 'before the rotation. '

/** Both have the same text. Whatever Bob is shown from now on passes through the test's hands; his clock is the test's. */
async function adaAndBob(...expects: string[]): Promise<{ ada: Person; bob: Person }> {
  const ada = await world.joined('Ada')
  ada.text.insert(0, BEFORE)
  await ada.provider.flush()
  const bob = await world.joined('Bob', { unsafeClock: clock, expects })
  await untilText(bob.doc, BEFORE)
  return { ada, bob }
}

/** Changes what the relay says to somebody, message by message. */
function retell({ wire }: Person, change: (message: Down) => readonly Down[]): void {
  wire.rewrite('down', (messages) => (messages as Down[]).flatMap(change))
}

/** In all places where the relay shows records. */
function retellRecords(person: Person, change: (records: Uint8Array[]) => Uint8Array[]): void {
  retell(person, (message) => {
    if (message.type === 'joined' || message.type === 'records')
      return [{ ...message, records: change(message.records) }]
    if (message.type === 'record') return change([message.record]).map((record) => ({ ...message, record }))
    return [message]
  })
}

/** The relay tells the truth from the next connection on: nothing is left of what it said before. */
async function becomesHonest(bob: Person, index: number, text: string): Promise<void> {
  bob.wire.rewrite('down', undefined)
  bob.wire.cut()
  await passUntil(untilEpoch(bob, index), [clock])
  await passUntil(synced(bob), [clock])
  await untilText(bob.doc, text)
  bob.doc.getText('bob').insert(0, 'and goes on')
  await passUntil(bob.provider.flush(), [clock])
  expect((await world.joined('fresh reader')).doc.getText('bob').toString()).toBe('and goes on')
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

function flipped(record: Uint8Array, at: number): Uint8Array {
  const other = record.slice()
  const place = at < 0 ? record.length + at : at
  other[place] = (other[place] ?? 0) ^ 1
  return other
}

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
    await becomesHonest(bob, 1, `typed ${BEFORE}after it. `)
    expect(bob.provider.epoch).toEqual(ada.provider.epoch)
  })

  // The lock asks the endpoint again and again, for the key of a record that the relay may have garbled once; the relay is not asked again.
  test.fails('one that was garbled once on its way, and is not shown again: it comes to itself without a new connection', async () => {
    const { ada, bob } = await adaAndBob('key-mismatch')
    retellRecords(bob, (records) => records.map((record) => flipped(record, -1)))
    await ada.provider.rotateKey()
    await passUntil(someProblem(bob), [clock])
    bob.wire.rewrite('down', undefined)
    for (let minute = 0; minute < 10; minute++) await clock.advance(60_000)
    expect(bob.provider.epoch?.index).toBe(1)
  })
})

describe('somebody comes back after three rotations, and is shown the records', () => {
  const AFTER = `${BEFORE}1. 2. 3. `

  async function awayForThree(...expects: string[]): Promise<{ ada: Person; bob: Person }> {
    const { ada, bob } = await adaAndBob(...expects)
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
      await becomesHonest(bob, 3, `typed ${AFTER}`)
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
    await becomesHonest(bob, 3, AFTER)
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
    await becomesHonest(bob, 3, AFTER)
  })
})

describe('somebody who has never been here is shown', () => {
  test('a list of records with a hole: relay-fault, and nothing of the document, until the relay tells the truth', async () => {
    const { ada } = await adaAndBob()
    for (let time = 0; time < 2; time++) await ada.provider.rotateKey()
    const carol = world.person('Carol', { unsafeClock: clock, expects: ['relay-fault'], connect: false })
    retellRecords(carol, (records) => records.filter((record) => parseEpochRecord(record).index !== 1))
    carol.provider.connect()
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['relay-fault'])
    expect(carol.text.toString()).toBe('')
    expect(carol.provider.synced).toBe(false)
    await becomesHonest(carol, 2, BEFORE)
  })

  test('the records of another document: no key for them, and nothing is written into either', async () => {
    await adaAndBob()
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
    const { ada, bob } = await adaAndBob('relay-fault', 'key-mismatch', 'fork', 'rollback')
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    const [first, last] = await world.records()
    if (first === undefined || last === undefined) throw new Error('there are two epochs')
    const { keyHint: oldHint } = parseEpochRecord(first)
    const { checkpoint, endpointEpoch = 0 } = parseEpochRecord(last)
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
    bob.wire.openSockets[0]?.deliver([
      { type: 'record', channel: channelOf(bob), sequence: 1, hash: new Uint8Array(8), record },
    ])
    await passUntil(someProblem(bob), [clock])
    expect(codesOf(bob)).toEqual([code])
    expect(bob.provider.epoch).toEqual(ada.provider.epoch)
    expect(bob.text.toString()).toBe(BEFORE)
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    bob.text.insert(0, 'typed. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, `typed. ${BEFORE}`)
    expect(await world.records()).not.toContainEqual(record)
  })

  test('in which nothing is wrong, but which the relay never stored: it is entered, and left for what the relay has', async () => {
    const { ada, bob, record } = await madeByMember({})
    bob.wire.openSockets[0]?.deliver([
      { type: 'record', channel: channelOf(bob), sequence: 1, hash: new Uint8Array(8), record },
    ])
    await passUntil(untilEpoch(bob, 2), [clock])
    bob.text.insert(0, 'typed. ')
    bob.wire.cut()
    await clock.advance(10_000)
    expect(ada.text.toString()).toBe(BEFORE)
    expect(codesOf(bob)).toEqual(['rollback'])
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
  })
})

/** Where the relay speaks to somebody now. */
function channelOf(person: Person): number {
  const join = saidBy(person).findLast(({ type }) => type === 'join')
  if (join === undefined || !('channel' in join)) throw new Error('this person has not joined')
  return join.channel
}

describe('the checkpoint of an epoch', () => {
  const LONG = 'x'.repeat(300 * 1024)

  /** Two epochs with a checkpoint of two chunks each; Carol has never been here. */
  async function longDocument(): Promise<{ ada: Person; carol: Person; older: Uint8Array[] }> {
    const ada = await world.joined('Ada')
    ada.text.insert(0, LONG)
    await ada.provider.rotateKey()
    const older: Uint8Array[] = []
    const witness = world.person('Walter', { connect: false })
    retell(witness, (message) => {
      if (message.type === 'checkpoint') older.push(...message.chunks)
      return [message]
    })
    witness.provider.connect()
    await witness.provider.whenSynced
    await ada.provider.rotateKey()
    const carol = world.person('Carol', {
      unsafeClock: clock,
      connect: false,
      expects: ['tampered', 'withheld', 'relay-fault'],
    })
    return { ada, carol, older }
  }

  type Retold = (whole: Checkpoint, older: Uint8Array[]) => readonly Down[]
  const chunksOf = (whole: Checkpoint, chunks: Uint8Array[]): Down[] => [
    { ...whole, first: 1, total: chunks.length, chunks },
  ]
  const lies: [string, string, Retold][] = [
    ['its chunks swapped', 'tampered', (whole) => chunksOf(whole, [...whole.chunks].reverse())],
    [
      'a bit of it flipped',
      'tampered',
      (whole) =>
        chunksOf(
          whole,
          whole.chunks.map((chunk) => flipped(chunk, 100)),
        ),
    ],
    ['its last chunk left out', 'tampered', (whole) => chunksOf(whole, whole.chunks.slice(0, 1))],
    ['a chunk too many', 'tampered', (whole) => chunksOf(whole, [...whole.chunks, ...whole.chunks.slice(1)])],
    [
      'a chunk of the epoch before',
      'tampered',
      (whole, [, last]) => chunksOf(whole, [...whole.chunks.slice(0, 1), last as Uint8Array]),
    ],
    ['all chunks of the epoch before', 'tampered', (whole, older) => chunksOf(whole, older)],
    ['its first chunk twice', 'relay-fault', (whole) => Array(2).fill({ ...whole, chunks: whole.chunks.slice(0, 1) })],
    ['its second chunk first', 'relay-fault', (whole) => [{ ...whole, first: 2, chunks: whole.chunks.slice(1) }]],
    [
      'a number of chunks that changes',
      'relay-fault',
      (whole) => [
        { ...whole, chunks: whole.chunks.slice(0, 1) },
        { ...whole, first: 2, total: 3, chunks: whole.chunks.slice(1) },
      ],
    ],
    [
      'the answer that there is none',
      'withheld',
      ({ channel, request }) => [{ type: 'refused', channel, request, code: 'unknown', detail: '' }],
    ],
    ['no answer at all', 'relay-fault', () => []],
  ]

  test.each(lies)(
    'is shown with %s: %s; nothing of it gets into the document, and the true one does',
    async (_, code, lie) => {
      const { carol, older } = await longDocument()
      let shown: Uint8Array[] = []
      retell(carol, (message) => {
        if (message.type !== 'checkpoint') return [message]
        shown = [...(message.first === 1 ? [] : shown), ...message.chunks]
        return shown.length < message.total ? [] : lie({ ...message, first: 1, chunks: shown }, older)
      })
      carol.text.insert(0, 'mine. ')
      carol.provider.connect()
      await passUntil(someProblem(carol), [clock])
      await clock.advance(1_000)
      expect(codesOf(carol)).toEqual([code])
      expect(carol.text.toString()).toBe('mine. ')
      expect(carol.provider.synced).toBe(false)
      expect(saidBy(carol).map(({ type }) => type)).not.toContain('append')
      carol.wire.rewrite('down', undefined)
      await passUntil(synced(carol), [clock])
      expect(carol.text.length).toBe(LONG.length + 6)
      await passUntil(carol.provider.flush(), [clock])
      expect((await world.joined('fresh reader')).text.length).toBe(LONG.length + 6)
    },
  )

  test('is shown as another one, which a member has sealed with the keys of the epoch: not the one that the record names', async () => {
    const { carol } = await longDocument()
    const record = (await world.records()).at(-1) as Uint8Array
    const other = new Y.Doc()
    other.getText('text').insert(0, 'another text')
    const { chunks } = await sealCheckpoint({
      keys: await keptKeys(world, record),
      epochIndex: 2,
      padding: true,
      clock,
      manifest: {
        sequence: 1,
        hash: parseEpochRecord(record).prevHash,
        previous: undefined,
        digest: new Uint8Array(32),
        unixMs: clock.now(),
      },
      update: Y.encodeStateAsUpdate(other),
    })
    retell(carol, (message) => {
      if (message.type !== 'checkpoint') return [message]
      return message.first === 1 ? chunksOf(message, chunks) : []
    })
    carol.provider.connect()
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['tampered'])
    expect(carol.text.toString()).toBe('')
    carol.wire.rewrite('down', undefined)
    await passUntil(synced(carol), [clock])
    expect(carol.text.toString()).toBe(LONG)
  })
})

describe('what comes in another order', () => {
  test('entries of the next epoch without its record: none is applied, and the record is asked for', async () => {
    const { ada, bob } = await adaAndBob('relay-fault')
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
    const { ada, bob } = await adaAndBob()
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
    const { ada, bob } = await adaAndBob('gap', 'relay-fault')
    retell(bob, (message) => (message.type === 'entries' && message.first === 2 ? [] : [message]))
    ada.text.insert(0, 'the last before it. ')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(0, 'after it. ')
    await passUntil(someProblem(bob), [clock])
    await clock.advance(10_000)
    expect(bob.text.toString()).toBe(BEFORE)
    expect(bob.provider.epoch?.index).toBe(0)
    await becomesHonest(bob, 1, `after it. the last before it. ${BEFORE}`)
  })
})

describe('a removed member writes on under the old key, and the relay shows it to one member', () => {
  /** Bob is shown an entry behind the end of epoch 0, which nobody else ever sees, and then the next epoch. */
  async function shownForgery(): Promise<{ ada: Person; bob: Person }> {
    const { ada, bob } = await adaAndBob('fork')
    const [record] = await world.records()
    if (record === undefined) throw new Error('there is an epoch')
    const forgery = await forgedEntry(await keptKeys(world, record), record, await world.log(), 'laundered')
    bob.wire.openSockets[0]?.deliver([
      { type: 'entries', channel: channelOf(bob), first: 2, hashBefore: forgery.hashBefore, entries: [forgery.entry] },
    ])
    await untilText(bob.doc, 'laundered', 'forged')
    return { ada, bob }
  }

  async function expectNotLaundered(ada: Person): Promise<void> {
    const reader = await world.joined('fresh reader')
    for (const { doc } of [ada, reader]) {
      expect(doc.share.has('forged') && doc.getText('forged').toString()).toBeFalsy()
      expect(doc.store.pendingStructs).toBe(null)
      expect(doc.store.pendingDs).toBe(null)
    }
  }

  test('before the next epoch: he says fork, and does not carry it over; what he typed himself he does', async () => {
    const { ada, bob } = await shownForgery()
    bob.wire.hold('up', ofType('append'))
    bob.text.insert(0, 'typed by Bob. ')
    await ada.provider.rotateKey()
    bob.wire.release('up')
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['fork'])
    await untilText(ada.doc, `typed by Bob. ${BEFORE}`)
    ada.text.insert(0, 'and on. ')
    await untilText(bob.doc, `and on. typed by Bob. ${BEFORE}`)
    await expectNotLaundered(ada)
  })

  test('he does not carry it over on the next connection either, nor with a rotation of his own', async () => {
    const { ada, bob } = await shownForgery()
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    bob.text.insert(0, 'typed by Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await expect(bob.provider.rotateKey()).rejects.toMatchObject({ code: 'fork' })
    await expectNotLaundered(ada)
  })

  test('and what he writes next to it himself cannot be had by the others: he is told, and nothing else of his gets lost', async () => {
    const { ada, bob } = await shownForgery()
    await ada.provider.rotateKey()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    bob.text.insert(0, 'typed by Bob. ')
    await passUntil(bob.provider.flush(), [clock])
    await untilText(ada.doc, `typed by Bob. ${BEFORE}`)
    bob.doc.getText('forged').insert(3, 'leaning on it')
    await expect(bob.provider.flush()).rejects.toMatchObject({ code: 'fork' })
    await expectNotLaundered(ada)
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
  })

  test('then the relay claims to have lost it, and takes his repair of it: that does not make it his', async () => {
    const { ada, bob } = await adaAndBob('fork', 'rollback')
    const [record] = await world.records()
    const [first] = await world.log()
    if (record === undefined || first === undefined) throw new Error('there is an epoch with an entry')
    await ada.provider.rotateKey()
    // For Bob there is only epoch 0. `end`: where its log ends, as he is told.
    let end = { sequence: 1, hash: hashPrefix(hashAfter(record, [first])) }
    retell(bob, (message) => {
      if (message.type === 'record' || message.type === 'awareness') return []
      if (message.type === 'entries' && message.first > 1) return []
      if (message.type === 'joined') return [{ ...message, ...end, records: [] }]
      return [message.type === 'caught-up' ? { ...message, ...end } : message]
    })
    bob.wire.rewrite('up', (messages, socket) => {
      const [message] = messages
      if (message?.type !== 'append' || !('envelopes' in message)) return messages
      const { channel, request, envelopes } = message
      const stored = envelopes.map(({ envelope }, i) => ({ sequence: 2 + i, envelope }))
      end = { sequence: 1 + stored.length, hash: hashPrefix(hashAfter(record, [first, ...stored])) }
      setImmediate(() => socket.deliver([{ type: 'ack', channel, request, count: stored.length, ...end }]))
      return []
    })
    const forgery = await forgedEntry(await keptKeys(world, record), record, [first], 'laundered')
    bob.wire.openSockets[0]?.deliver([
      { type: 'entries', channel: channelOf(bob), first: 2, hashBefore: forgery.hashBefore, entries: [forgery.entry] },
    ])
    await untilText(bob.doc, 'laundered', 'forged')
    const back = nextSync(bob)
    bob.wire.cut()
    await passUntil(back, [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['rollback'])
    bob.wire.rewrite('up', undefined)
    await becomesHonest(bob, 1, BEFORE)
    expect(codesOf(bob)).toEqual(['rollback', 'fork'])
    await expectNotLaundered(ada)
  })

  test('while he is offline, so that he meets it and the next epoch in one join', async () => {
    const { ada, bob } = await shownForgery()
    bob.wire.unplug()
    bob.text.insert(0, 'typed offline. ')
    await ada.provider.rotateKey()
    ada.text.insert(ada.text.length, 'after it.')
    await ada.provider.flush()
    bob.wire.plug()
    await passUntil(untilEpoch(bob, 1), [clock])
    await passUntil(synced(bob), [clock])
    await passUntil(bob.provider.flush(), [clock])
    expect(codesOf(bob)).toEqual(['fork'])
    await untilText(ada.doc, `typed offline. ${BEFORE}after it.`)
    await expectNotLaundered(ada)
  })
})
