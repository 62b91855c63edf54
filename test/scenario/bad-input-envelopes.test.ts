import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { untilChanged, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { showAnotherLog } from '../support/shadow-log.ts'
import { codesOf, someProblem } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** Somebody whose relay shows another log; not yet connected people stay so until the log is in place. */
function reader(options: PersonOptions, show: Parameters<typeof showAnotherLog>[1]): Person {
  const person = world.person('Bob', { ...options, connect: false })
  showAnotherLog(person.wire, show)
  person.provider.connect()
  return person
}

describe('an envelope that is not what was sealed', () => {
  /** Carol wrote entries 1 and 3, Alice entry 2: what is done to 2 must not touch 1 and 3. */
  async function threeEntries(): Promise<Person> {
    // When Bob, who was shown another log, later writes, his sealer names that log: they learn of it.
    const alice = await world.joined('Alice', { expects: ['fork'] })
    const carol = await world.joined('Carol', { expects: ['fork'] })
    carol.text.insert(0, '1')
    await carol.provider.flush()
    await untilText(alice.doc, '1')
    alice.doc.getText('second').insert(0, '2')
    await alice.provider.flush()
    await untilTrue(carol.doc, 'update', () => carol.doc.getText('second').length > 0)
    carol.doc.getText('third').insert(0, '3')
    await carol.provider.flush()
    return alice
  }
  const texts = ({ doc }: Person): string[] => ['text', 'second', 'third'].map((name) => doc.getText(name).toString())
  const flip =
    (at: (envelope: Uint8Array) => number) =>
    (envelope: Uint8Array): Uint8Array => {
      const copy = envelope.slice()
      const index = at(copy)
      copy[index] = (copy[index] ?? 0) ^ 1
      return copy
    }
  const withFirstByte = (byte: number) => (envelope: Uint8Array) => Uint8Array.of(byte, ...envelope.subarray(1))

  const changes: [string, (envelope: Uint8Array) => Uint8Array][] = [
    ['a bit of its salt flipped', flip(() => 5)],
    ['a bit of its counter flipped', flip(() => 18)],
    ['a bit of its text flipped', flip(() => 25)],
    ['a bit of its tag flipped', flip((envelope) => envelope.length - 1)],
    ['its last byte missing', (envelope) => envelope.subarray(0, -1)],
    ['its text missing', (envelope) => envelope.subarray(0, 19)],
    ['all but its first byte missing', (envelope) => envelope.subarray(0, 1)],
    ['a byte added', (envelope) => Uint8Array.of(...envelope, 0)],
    ['another label: checkpoint', withFirstByte(0x12)],
    ['another label: awareness', withFirstByte(0x13)],
    ['another label: witness', withFirstByte(0x14)],
    ['another label: local', withFirstByte(0x15)],
    ['another label: cross-tab', withFirstByte(0x16)],
    ['another label: none that exists', withFirstByte(0x1f)],
    ['another version', withFirstByte(0x21)],
    ['another epoch', (envelope) => Uint8Array.of(envelope[0] as number, 7, ...envelope.subarray(2))],
    ['nothing of it left but its length', (envelope) => new Uint8Array(envelope.length).fill(0xa5)],
    ['plaintext in its place', () => Y.encodeStateAsUpdate(new Y.Doc())],
  ]

  test.each(changes)('%s: tampered once, it applies nothing, and the rest goes on', async (_, change) => {
    const alice = await threeEntries()
    const bob = reader({ expects: ['tampered'] }, (envelope, sequence) => [
      sequence === 2 ? change(envelope) : envelope,
    ])
    bob.text.insert(0, 'typed before. ')
    await bob.provider.whenSynced
    expect(texts(bob)).toEqual([expect.stringContaining('1'), '', '3'])
    expect(bob.text.toString()).toContain('typed before. ')
    expect(codesOf(bob)).toEqual(['tampered'])
    bob.text.insert(0, 'typed after. ')
    await bob.provider.flush()
    await untilTrue(alice.doc, 'update', () => alice.text.toString().includes('typed after. '))
    expect(codesOf(alice)).toEqual(['fork'])
  })

  test('every single byte of it flipped, one after the other: none applies anything, one event in all', async () => {
    await threeEntries()
    const bob = reader({ expects: ['tampered', 'gap'] }, (envelope, sequence) =>
      sequence === 2 ? [...envelope].map((_, index) => flip(() => index)(envelope)) : [envelope],
    )
    await bob.provider.whenSynced
    expect(texts(bob)).toEqual(['1', '', '3'])
    expect(codesOf(bob)).toEqual(['tampered'])
    const [, second] = await world.log()
    expect(bob.provider.counters.tampered).toBe(second?.envelope.length)
  })

  test('and whoever first writes after it names another history: fork, beside tampered', async () => {
    await threeEntries()
    const dora = await world.joined('Dora')
    dora.doc.getText('fourth').insert(0, '4')
    await dora.provider.flush()
    const bob = reader({ expects: ['tampered', 'fork'] }, (envelope, sequence) => [
      sequence === 2 ? flip(() => 25)(envelope) : envelope,
    ])
    await bob.provider.whenSynced
    expect(codesOf(bob)).toEqual(['tampered', 'fork'])
    expect(bob.doc.getText('fourth').toString()).toBe('4')
  })

  test('replayed: it applies nothing, is only counted, and nobody is told', async () => {
    await threeEntries()
    const seen: Uint8Array[] = []
    const bob = reader({}, (envelope, sequence) => {
      seen.push(envelope)
      // The third entry is followed by the whole log, three times over.
      return sequence === 3 ? [envelope, ...seen, ...seen, ...seen] : [envelope]
    })
    let updates = 0
    bob.doc.on('update', () => updates++)
    await bob.provider.whenSynced
    const updatesAtSync = updates
    expect(texts(bob)).toEqual(['1', '2', '3'])
    expect(bob.provider.counters.replayed).toBe(9)
    expect(bob.problems).toEqual([])
    await settle()
    expect(updates).toBe(updatesAtSync)
  })

  test('left out: what its author wrote next waits ten seconds, then gap, and all that can be used is used', async () => {
    const alice = await world.joined('Alice')
    for (const name of ['first', 'second', 'third']) {
      alice.doc.getText(name).insert(0, name)
      await alice.provider.flush()
    }
    const clock = new FakeClock(Date.now())
    const bob = reader({ unsafeClock: clock, expects: ['gap'] }, (envelope, sequence) =>
      sequence === 2 ? [] : [envelope],
    )
    const contents = (): string[] => ['first', 'second', 'third'].map((name) => bob.doc.getText(name).toString())
    await untilChanged(bob.doc, () => contents()[0] === 'first')
    expect(contents()).toEqual(['first', '', ''])
    await clock.advance(9_000)
    expect(bob.problems).toEqual([])
    // A document with a hole that is not confirmed is not complete.
    expect(bob.provider.synced).toBe(false)
    await clock.advance(2_000)
    expect(bob.provider.synced).toBe(true)
    expect(codesOf(bob)).toEqual(['gap'])
    bob.text.insert(0, 'still usable')
    await bob.provider.flush()
    expect(bob.text.toString()).toBe('still usable')
  })

  test('awareness: an edited one shows nobody, a replayed one brings nobody back', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { expects: ['tampered'] })
    const name = (): unknown => bob.provider.awareness.getStates().get(alice.doc.clientID)?.name
    let first: Uint8Array | undefined
    bob.wire.rewrite('down', (messages) =>
      messages.map((message) => {
        if (message.type !== 'awareness') return message
        first ??= message.envelope
        return { ...message, envelope: flip((envelope) => envelope.length - 1)(message.envelope) }
      }),
    )
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    await someProblem(bob)
    expect(name()).toBeUndefined()
    bob.wire.rewrite('down', undefined)
    alice.provider.awareness.setLocalState({ name: 'Alice B.' })
    await untilTrue(bob.provider.awareness, 'change', () => name() === 'Alice B.')
    const again = world.capture
      .messages('down', bob.wire.sockets[0]?.connection)
      .flatMap((message) => (message.type === 'awareness' && message.envelope !== first ? [message] : []))
    bob.wire.sockets[0]?.deliver(again.slice(0, 1))
    await settle()
    expect(name()).toBe('Alice B.')
    expect(bob.provider.counters['awareness-replayed']).toBeGreaterThanOrEqual(1)
  })
})

test('one key for two documents: the entries of one open nothing in the other', async () => {
  const key = staticKey('the-same-key-for-two-documents-0123456789')
  const alice = await world.joined('Alice', { room: 'one', keys: key })
  alice.text.insert(0, 'belongs to document one')
  await alice.provider.flush()
  const [foreign] = await world.log('one')
  const carol = await world.joined('Carol', { room: 'two', keys: key })
  carol.text.insert(0, 'two')
  await carol.provider.flush()
  const bob = reader({ room: 'two', keys: key, expects: ['tampered'] }, (envelope) => [
    foreign?.envelope as Uint8Array,
    envelope,
  ])
  await bob.provider.whenSynced
  expect(bob.text.toString()).toBe('two')
  expect(codesOf(bob)).toEqual(['tampered'])
})
