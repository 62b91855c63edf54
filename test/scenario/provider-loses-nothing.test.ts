import type { Down, RefusalCode, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { areEqual } from '../support/convergence.ts'
import { patiently, until, untilChanged, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What a review found that could lose an edit, or leave it unsent without a word.

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

const isAppend = ({ type }: Up | Down): boolean => type === 'append'
const isEntries = ({ type }: Up | Down): boolean => type === 'entries'
const isAck = ({ type }: Up | Down): boolean => type === 'ack'
const isRead = ({ type }: Up | Down): boolean => type === 'read'

const nextSync = ({ provider, name }: Person): Promise<unknown> =>
  until(provider, 'sync', (isSynced) => isSynced === true, `${name} to be synced again`)

const upOf = ({ wire }: Person): Up[] =>
  wire.sockets.flatMap(({ connection }) => world.capture.messages('up', connection))

/** The log alone makes exactly this document, deletes included. */
async function expectLogHolds(doc: Y.Doc): Promise<void> {
  const reader = await world.joined('fresh reader')
  expect(reader.text.toString()).toBe(doc.getText('text').toString())
  expect(areEqual([reader.doc, doc])).toBe(true)
  reader.provider.destroy()
}

/** The relay answers the next such requests with a refusal, and never gets them. */
function refuse({ wire }: Person, type: 'append' | 'read', code: RefusalCode, times = 1): void {
  let left = times
  wire.rewrite('up', (messages, socket) => {
    const [message] = messages
    if (left === 0 || message?.type !== type || !('request' in message)) return messages
    left--
    const { channel, request } = message
    setImmediate(() => socket.deliver([{ type: 'refused', channel, request, code, detail: 'by the test' }]))
    return []
  })
}

/** The next entries that arrive have one bit changed on their way. */
function flipOnce({ wire }: Person): void {
  let isDone = false
  wire.rewrite('down', (messages) =>
    (messages as Down[]).map((message) => {
      if (isDone || message.type !== 'entries') return message
      isDone = true
      const entries = message.entries.map(({ proof, envelope }) => {
        const flipped = envelope.slice()
        flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
        return { proof, envelope: flipped }
      })
      return { ...message, entries }
    }),
  )
}

describe('content from elsewhere that waits in the document for an entry of the log', () => {
  /** What a third copy of Alice's document did to "base A"; only the last of these leaves nothing waiting but deletes. */
  const edits: [string, string, (text: Y.Text) => void][] = [
    ['words behind the entry', 'base AX', (text) => text.insert(6, 'X')],
    [
      'words behind it, and the deletion of all before them',
      'X',
      (text) => {
        text.insert(6, 'X')
        text.delete(0, 6)
      },
    ],
    ['the deletion of the entry', 'base ', (text) => text.delete(5, 1)],
  ]

  /** Alice's "A" is in the log; what `edit` made of it is an update that rests on it. */
  async function restingUpdate(alice: Person, edit: (text: Y.Text) => void): Promise<Uint8Array> {
    await alice.provider.flush()
    const third = new Y.Doc()
    Y.applyUpdate(third, Y.encodeStateAsUpdate(alice.doc))
    const before = Y.encodeStateVector(third)
    edit(third.getText('text'))
    const update = Y.encodeStateAsUpdate(third, before)
    third.destroy()
    return update
  }

  /** How many characters of Alice's a document has, deleted ones included. */
  const wordsOf = (alice: Person, doc: Y.Doc): number | undefined =>
    Y.decodeStateVector(Y.encodeStateVector(doc)).get(alice.doc.clientID)

  async function aliceWithBase(): Promise<Person> {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'base ')
    await alice.provider.flush()
    return alice
  }

  test.each(edits)('%s, on a live document: sent once the entry is here', async (_, expected, edit) => {
    const alice = await aliceWithBase()
    const bob = await world.joined('Bob')
    bob.wire.hold('down', isEntries)
    const held = bob.wire.untilPassed('down', isEntries)
    alice.text.insert(5, 'A')
    const update = await restingUpdate(alice, edit)
    await held
    Y.applyUpdate(bob.doc, update)
    expect(wordsOf(alice, bob.doc)).toBe('base '.length)
    bob.wire.release('down')
    await untilChanged(bob.doc, () => wordsOf(alice, bob.doc) === 'base A'.length)
    expect(bob.text.toString()).toBe(expected)
    await bob.provider.flush()
    await untilText(alice.doc, expected)
    await expectLogHolds(bob.doc)

    const back = nextSync(bob)
    bob.wire.cut()
    await back
    await bob.provider.flush()
    await expectLogHolds(bob.doc)
    expect(isGapless(await world.log())).toBe(true)
  })

  test.each(edits)(
    '%s, from a local store before the first connect: sent after catching up',
    async (_, expected, edit) => {
      const alice = await aliceWithBase()
      alice.text.insert(5, 'A')
      const update = await restingUpdate(alice, edit)
      const bob = world.person('Bob', { connect: false })
      Y.applyUpdate(bob.doc, update)
      bob.provider.connect()
      await patiently(bob.provider.whenSynced, 'Bob to be synced')
      expect(bob.text.toString()).toBe(expected)
      await bob.provider.flush()
      await untilText(alice.doc, expected)
      await expectLogHolds(bob.doc)
    },
  )

  test('what waits for an entry that never comes harms nobody, and is not sent half', async () => {
    const alice = await aliceWithBase()
    const bob = await world.joined('Bob')
    const stranger = new Y.Doc()
    stranger.getText('text').insert(0, 'unknown ')
    const before = Y.encodeStateVector(stranger)
    stranger.getText('text').insert(8, 'words')
    Y.applyUpdate(bob.doc, Y.encodeStateAsUpdate(stranger, before))
    alice.text.insert(5, 'goes on')
    await untilText(bob.doc, 'base goes on')
    await bob.provider.flush()
    await expectLogHolds(alice.doc)
  })
})

describe('a provider that is let go of in mid-sentence', () => {
  const ends: ['destroy' | 'disconnect'][] = [['destroy'], ['disconnect']]

  test.each(ends)('%s() in the turn of a second edit, the first still in flight: the log has both', async (end) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.wire.hold('down', isAck)
    const sent = alice.wire.untilPassed('up', isAppend)
    alice.text.insert(0, 'a')
    await sent
    alice.text.insert(1, 'b')
    alice.provider[end]()
    await untilText(bob.doc, 'ab')
    await expectLogHolds(alice.doc)
    expect(isGapless(await world.log())).toBe(true)
  })

  test.each(ends)('%s() in the turn of the only edit: the log has it', async (end) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.text.insert(0, 'last words')
    alice.provider[end]()
    await untilText(bob.doc, 'last words')
  })

  // Not yet taken to be sealed, on its way through the platform's crypto, sealed and not yet sent, sent.
  const microtasks = Array.from({ length: 13 }, (_, turn) => turn)
  test.each(microtasks)('destroy() %i microtasks after a paste of 100 kB: the log has it', async (turns) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.text.insert(0, 'p'.repeat(100_000))
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    alice.text.insert(0, 'x')
    alice.provider.destroy()
    await untilChanged(bob.doc, () => bob.text.length === 100_001, 'the paste and what was typed after it')
    expect(isGapless(await world.log())).toBe(true)
  })

  test.each([
    [3, 'being sealed', 2],
    [10, 'on its way, its first frame unanswered', undefined],
  ])('destroy() while a paste of %i MB is %s: the log has it', async (megabytes, _, turns) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    const paste = 'p'.repeat(megabytes * 1_000_000)
    const sent = alice.wire.untilPassed('up', ({ type }) => type === 'stage')
    alice.text.insert(0, paste)
    if (turns === undefined) await sent
    else for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    alice.provider.destroy()
    await untilChanged(bob.doc, () => bob.text.length === paste.length, 'the whole paste')
  })

  test('disconnect() and connect() in one breath: nothing is sent twice for it', async () => {
    const alice = await world.joined('Alice')
    alice.wire.hold('down', isAck)
    const sent = alice.wire.untilPassed('up', isAppend)
    alice.text.insert(0, 'a')
    await sent
    alice.text.insert(1, 'b')
    alice.provider.disconnect()
    await settle()
    const back = nextSync(alice)
    alice.provider.connect()
    await back
    await alice.provider.flush()
    expect(await world.log()).toHaveLength(2)
    await expectLogHolds(alice.doc)
  })
})

describe('a re-read that crosses our own append', () => {
  test('the ack waits behind an entry that has to be read again: our own entry keeps its place', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    flipOnce(bob)
    bob.wire.hold('down', isEntries)
    const held = bob.wire.untilPassed('down', isEntries)
    alice.text.insert(0, 'a')
    await held
    const acked = bob.wire.untilPassed('down', isAck)
    bob.doc.getText('mine').insert(0, 'b')
    await acked
    const reread = bob.wire.untilPassed('up', isRead)
    bob.wire.release('down')
    await reread
    await untilText(bob.doc, 'a')
    await patiently(bob.provider.flush(), 'the own edit to be durable')
    bob.text.insert(1, '!')
    await patiently(bob.provider.flush(), 'the next edit to be durable')
    await untilText(alice.doc, 'a!')
    expect(bob.problems).toEqual([])
    expect(bob.provider.counters.tampered).toBeUndefined()
    await expectLogHolds(bob.doc)
  })

  test('the ack comes between the question and its answer: the same', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    flipOnce(bob)
    bob.wire.hold('up', isAppend)
    const typed = bob.wire.untilPassed('up', isAppend)
    bob.doc.getText('mine').insert(0, 'b')
    await typed
    const reread = bob.wire.untilPassed('up', isRead)
    alice.text.insert(0, 'a')
    await reread
    // The relay commits the append, says so, and only then answers the read with both entries.
    bob.wire.release('up')
    await untilText(bob.doc, 'a')
    await patiently(bob.provider.flush(), 'the own edit to be durable')
    bob.text.insert(1, '!')
    await patiently(bob.provider.flush(), 'the next edit to be durable')
    await untilText(alice.doc, 'a!')
    expect(bob.problems).toEqual([])
    expect(bob.provider.counters.tampered).toBeUndefined()
    await expectLogHolds(bob.doc)
  })
})

describe('a read that is refused', () => {
  test.each<[RefusalCode, number]>([
    ['limit', 1],
    ['limit', 3],
    ['internal', 1],
  ])('with %s, %i time(s): asked again, live again, and what was typed meanwhile is sent', async (code, times) => {
    const clock = new FakeClock(Date.now())
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { unsafeClock: clock })
    flipOnce(bob)
    refuse(bob, 'read', code, times)
    const asked = bob.wire.untilPassed('up', isRead)
    alice.text.insert(0, 'a')
    await asked
    bob.doc.getText('mine').insert(0, 'typed meanwhile')
    await clock.advance(3_000)
    await untilText(bob.doc, 'a')
    await patiently(bob.provider.flush(), 'the edit to be durable')
    await expectLogHolds(bob.doc)
    expect(upOf(bob).filter(isRead)).toHaveLength(times + 1)
    expect(bob.problems).toEqual([])
  })
})

describe('a change that the relay refused with limit, once', () => {
  /** Typed, refused; nothing more is typed. */
  async function refusedOnce(clock: FakeClock): Promise<Person> {
    const alice = await world.joined('Alice', { unsafeClock: clock, expects: ['limit'] })
    refuse(alice, 'append', 'limit')
    alice.text.insert(0, 'not too much')
    await untilTrue(alice.provider, 'problem', () => alice.problems.length > 0)
    await settle()
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    return alice
  }

  test('is tried again after a reconnect', async () => {
    const clock = new FakeClock(Date.now())
    const alice = await refusedOnce(clock)
    const back = nextSync(alice)
    alice.wire.cut()
    await untilTrue(alice.provider, 'connection-close', () => alice.wire.openSockets.length === 0)
    await clock.advance(1_000)
    await back
    await patiently(alice.provider.flush(), 'the second attempt to be durable')
    await expectLogHolds(alice.doc)
  })

  test('is tried again after 30 s without one', async () => {
    const clock = new FakeClock(Date.now())
    const alice = await refusedOnce(clock)
    await clock.advance(29_000)
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    await clock.advance(1_000)
    await patiently(alice.provider.flush(), 'the second attempt to be durable')
    expect(alice.wire.sockets).toHaveLength(1)
    expect(alice.problems).toHaveLength(1)
    await expectLogHolds(alice.doc)
  })

  test('for ever: tried less and less often, and the same edit is not sent again and again', async () => {
    const clock = new FakeClock(Date.now())
    const alice = await world.joined('Alice', { unsafeClock: clock, expects: ['limit'] })
    refuse(alice, 'append', 'limit', Number.POSITIVE_INFINITY)
    alice.text.insert(0, 'too much')
    for (let minute = 0; minute < 60; minute++) await clock.advance(60_000)
    const attempts = upOf(alice).filter(isAppend).length
    // After 30 s, 60 s, 120 s … and then every ten minutes.
    expect(attempts).toBeGreaterThan(5)
    expect(attempts).toBeLessThan(15)
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    await expect(alice.provider.flush()).rejects.toMatchObject({ code: 'limit' })
  })
})
