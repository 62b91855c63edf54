import { recordHash } from '@y-sealed/envelope'
import {
  type Down,
  type Entry,
  hashPrefix,
  leafHash,
  nextHash,
  type RefusalCode,
  startHash,
  type Up,
} from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeySource } from 'y-sealed'
import { Intake } from '../../packages/provider/src/inbound/intake.ts'
import { patiently, until, untilChanged, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What a relay can do that answers with nonsense, or not at all: it costs nobody's patience, memory or line.

let world: World
let clock: FakeClock
beforeEach(async () => {
  world = await startWorld()
  clock = new FakeClock(Date.now())
})
afterEach(() => world.close())

const upOf = ({ wire }: Person): Up[] =>
  wire.sockets.flatMap(({ connection }) => world.capture.messages('up', connection))
const sent = (person: Person, type: Up['type']): number =>
  upOf(person).filter((message) => message.type === type).length
const codes = ({ problems }: Person): string[] => problems.map(({ code }) => code)
const nextSync = ({ provider, name }: Person): Promise<unknown> =>
  until(provider, 'sync', (isSynced) => isSynced === true, `${name} to be synced again`)

function flipLastBit(envelope: Uint8Array): Uint8Array {
  const flipped = envelope.slice()
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  return flipped
}

describe('an append that is refused again and again', () => {
  function refuseAppends({ wire }: Person, code: RefusalCode, times: number): void {
    let left = times
    wire.rewrite('up', (messages, socket) => {
      const [message] = messages
      if (left === 0 || message?.type !== 'append' || !('envelopes' in message)) return messages
      left--
      const { channel, request } = message
      setImmediate(() => socket.deliver([{ type: 'refused', channel, request, code, detail: 'by the test' }]))
      return []
    })
  }

  test.each<RefusalCode>(['out-of-order', 'internal', 'stale-epoch', 'malformed'])(
    'with %s: no hot loop, relay-fault once it is more than three, and it goes through when the relay is well again',
    async (code) => {
      const alice = await world.joined('Alice', { unsafeClock: clock, expects: ['relay-fault'] })
      refuseAppends(alice, code, Number.POSITIVE_INFINITY)
      alice.text.insert(0, 'kept')
      for (let second = 0; second < 600; second++) await clock.advance(1_000)
      // Back-off doubles from 0.1 s up to 30 s: some forty in ten minutes, where a hot loop makes thousands.
      expect(sent(alice, 'append')).toBeGreaterThan(10)
      expect(sent(alice, 'append')).toBeLessThan(60)
      expect(sent(alice, 'read')).toBeLessThan(60)
      expect(codes(alice)).toEqual(['relay-fault'])
      expect(alice.provider.hasUnsyncedChanges).toBe(true)
      alice.wire.rewrite('up', undefined)
      await clock.advance(30_000)
      await patiently(alice.provider.flush(), 'the edit to be durable')
      expect(await world.freshText()).toBe('kept')
    },
  )

  test('three times is settled in silence, four times is a word', async () => {
    const alice = await world.joined('Alice', { unsafeClock: clock, expects: ['relay-fault'] })
    refuseAppends(alice, 'out-of-order', 3)
    alice.text.insert(0, 'a')
    await clock.advance(3_000)
    await patiently(alice.provider.flush(), 'the edit to be durable')
    expect(codes(alice)).toEqual([])
    refuseAppends(alice, 'out-of-order', 4)
    alice.text.insert(1, 'b')
    await clock.advance(10_000)
    await patiently(alice.provider.flush(), 'the edit to be durable')
    expect(codes(alice)).toEqual(['relay-fault'])
    expect(await world.freshText()).toBe('ab')
  })
})

describe('an entry that is corrupted in another way at each read', () => {
  const corrupted = (envelope: Uint8Array, time: number): Uint8Array => {
    const other = envelope.slice()
    const at = 20 + (time % (envelope.length - 20))
    other[at] = (other[at] ?? 0) ^ 1
    return other
  }

  /** A relay whose every H fits what it has shown last: only the envelopes can give it away. */
  function corruptFirstEntry({ wire }: Person): { readonly times: number } {
    const state = { times: 0 }
    const shown: Entry[] = []
    const appended = new Map<number, readonly Entry[]>()
    let start: Uint8Array = new Uint8Array(32)
    const hashAt = (sequence: number): Uint8Array =>
      hashPrefix(
        shown
          .slice(0, sequence)
          .reduce((before, { proof, envelope }) => nextHash(before, leafHash(proof, envelope)), start),
      )
    wire.rewrite('up', (messages) => {
      for (const message of messages as Up[]) {
        if (message.type === 'append') appended.set(message.request, message.envelopes)
      }
      return messages
    })
    const retell = (message: Down): Down => {
      if (message.type === 'joined' && message.records[0] !== undefined)
        start = startHash(recordHash(message.records[0]))
      if (message.type === 'ack') {
        const entries = appended.get(message.request) ?? []
        entries.forEach((entry, i) => {
          shown[message.sequence - entries.length + i] = entry
        })
      }
      if (message.type === 'entries') {
        const entries = message.entries.map((entry, i) =>
          message.first + i === 1 ? { ...entry, envelope: corrupted(entry.envelope, state.times++) } : entry,
        )
        entries.forEach((entry, i) => {
          shown[message.first - 1 + i] = entry
        })
        return { ...message, hashBefore: hashAt(message.first - 1), entries }
      }
      if (message.type === 'ack' || message.type === 'caught-up' || message.type === 'heartbeat')
        return { ...message, hash: hashAt(message.sequence) }
      return message
    }
    wire.rewrite('down', (messages) => (messages as Down[]).map(retell))
    return state
  }

  async function twoEntries(): Promise<Person> {
    const alice = await world.joined('Alice', { expects: ['fork'] })
    const carol = await world.joined('Carol', { expects: ['fork'] })
    alice.text.insert(0, 'first')
    await alice.provider.flush()
    carol.doc.getText('other').insert(0, 'second')
    await carol.provider.flush()
    alice.provider.destroy()
    return carol
  }

  test('while catching up: tampered once, read again once, and the rest goes on', async () => {
    const carol = await twoEntries()
    // What the others have seen of the log is not what he is shown.
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['tampered', 'fork'] })
    const relay = corruptFirstEntry(bob)
    bob.provider.connect()
    await patiently(bob.provider.whenSynced, 'Bob to be synced')
    expect(bob.text.toString()).toBe('')
    expect(bob.doc.getText('other').toString()).toBe('second')
    expect(relay.times).toBe(2)
    expect(sent(bob, 'read')).toBe(1)
    carol.doc.getText('other').insert(6, ', third')
    await untilText(bob.doc, 'second, third', 'other')
    bob.doc.getText('other').insert(0, 'Bob: ')
    await patiently(bob.provider.flush(), 'the own edit to be durable')
    await untilText(carol.doc, 'Bob: second, third', 'other')
    for (let minute = 0; minute < 10; minute++) await clock.advance(60_000)
    expect(relay.times).toBe(2)
    expect(sent(bob, 'read')).toBe(1)
    expect(codes(bob)).toContain('tampered')
  })

  test('by a relay that does not even keep its own hashes: no loop of reads, and the rest still arrives', async () => {
    const carol = await twoEntries()
    const expects = ['tampered', 'relay-fault', 'rollback', 'gap', 'fork']
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects })
    let times = 0
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).map((message) => {
        if (message.type !== 'entries') return message
        const entries = message.entries.map((entry, i) =>
          message.first + i === 1 ? { ...entry, envelope: corrupted(entry.envelope, times++) } : entry,
        )
        return { ...message, entries }
      }),
    )
    bob.provider.connect()
    await untilText(bob.doc, 'second', 'other')
    carol.doc.getText('other').insert(6, ', third')
    await carol.provider.flush()
    for (let second = 0; second < 600; second++) await clock.advance(1_000)
    expect(bob.doc.getText('other').toString()).toBe('second, third')
    expect(codes(bob)).toContain('tampered')
    // Whatever is begun again is begun with back-off: at most every 15 to 30 s in the long run.
    expect(sent(bob, 'read') + sent(bob, 'join')).toBeLessThan(150)
  })
})

describe('an answer that never comes', () => {
  const drop = (type: Down['type']) => (person: Person) => person.wire.drop('down', (message) => message.type === type)

  /** Something is owed from here on; the relay goes on answering pings. */
  const silences: [string, (person: Person) => void][] = [
    ['to a join', drop('joined')],
    ['to a first record', drop('opened')],
    ['that ends what a join reads', drop('caught-up')],
    [
      'that promises a thousand million entries',
      ({ wire }) => {
        let isTold = false
        wire.rewrite('down', (messages) =>
          (messages as Down[]).map((message) => {
            if (message.type !== 'caught-up' || isTold) return message
            isTold = true
            return { ...message, sequence: 1e9 }
          }),
        )
      },
    ],
  ]

  /** Not within half a minute, which a slow line may take; 15 s later at the latest. */
  async function expectNewSession(person: Person, back: Promise<unknown>): Promise<void> {
    const joins = sent(person, 'join')
    await clock.advance(29_000)
    expect(codes(person)).toEqual([])
    expect(sent(person, 'join')).toBe(joins)
    await clock.advance(16_000)
    expect(codes(person)).toEqual(['relay-fault'])
    await clock.advance(1_000)
    await back
    expect(sent(person, 'join')).toBe(joins + 1)
    // The socket is not at fault: other documents may share it.
    expect(person.wire.sockets).toHaveLength(1)
    await patiently(person.provider.flush(), 'everything to be durable')
  }

  test.each(silences)('%s: relay-fault within 45 s, then a new session', async (what, silence) => {
    if (what !== 'to a first record') (await world.joined('Alice')).provider.destroy()
    const bob = world.person('Bob', { unsafeClock: clock, connect: false, expects: ['relay-fault'] })
    bob.text.insert(0, 'typed before')
    silence(bob)
    const joined = bob.wire.untilPassed('up', ({ type }) => type === 'join')
    bob.provider.connect()
    await joined
    await settle()
    await expectNewSession(bob, bob.provider.whenSynced)
    expect(await world.freshText()).toBe('typed before')
  })

  test('to an append: the same, and the edit is there once', async () => {
    const bob = await world.joined('Bob', { unsafeClock: clock, expects: ['relay-fault'] })
    bob.wire.drop('up', ({ type }) => type === 'append')
    const gone = bob.wire.untilPassed('up', ({ type }) => type === 'append')
    bob.text.insert(0, 'never answered')
    await gone
    await settle()
    const back = nextSync(bob)
    await clock.advance(29_000)
    expect(codes(bob)).toEqual([])
    await clock.advance(16_000)
    expect(codes(bob)).toEqual(['relay-fault'])
    await clock.advance(1_000)
    await back
    await patiently(bob.provider.flush(), 'the edit to be durable')
    expect(bob.wire.sockets).toHaveLength(1)
    expect(await world.log()).toHaveLength(1)
  })

  test('to a read: the same', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { unsafeClock: clock, expects: ['relay-fault'] })
    let isFlipped = false
    bob.wire.rewrite('down', (messages) =>
      (messages as Down[]).map((message) => {
        if (isFlipped || message.type !== 'entries') return message
        isFlipped = true
        return {
          ...message,
          entries: message.entries.map((entry) => ({ ...entry, envelope: flipLastBit(entry.envelope) })),
        }
      }),
    )
    bob.wire.drop('up', ({ type }) => type === 'read')
    const asked = bob.wire.untilPassed('up', ({ type }) => type === 'read')
    alice.text.insert(0, 'asked for in vain')
    await asked
    bob.doc.getText('mine').insert(0, 'meanwhile')
    await settle()
    const back = nextSync(bob)
    await clock.advance(45_000)
    expect(codes(bob)).toEqual(['relay-fault'])
    await clock.advance(1_000)
    await back
    await untilText(bob.doc, 'asked for in vain')
    await patiently(bob.provider.flush(), 'the edit to be durable')
    expect(bob.wire.sockets).toHaveLength(1)
    expect(alice.problems).toEqual([])
  })

  test('a paste of parts on a slow line is no silence: it is waited for as long as frames are answered', async () => {
    const bob = await world.joined('Bob', { unsafeClock: clock })
    const staged = bob.wire.untilPassed('down', ({ type }) => type === 'staged')
    bob.wire.hold('down', ({ type }) => type === 'staged')
    bob.text.insert(0, 'p'.repeat(3_000_000))
    await staged
    for (let frame = 0; frame < 3; frame++) {
      await clock.advance(20_000)
      bob.wire.release('down')
      if (frame < 2) bob.wire.hold('down', ({ type }) => type === 'staged' || type === 'ack')
      await settle()
    }
    bob.wire.calm()
    await patiently(bob.provider.flush(), 'the paste to be durable')
    expect(codes(bob)).toEqual([])
  })
})

describe('a flood while the key is awaited', () => {
  /** A key that comes when the test says so. */
  function lateKeys(): { keys: KeySource; come(): void } {
    let come = (): void => {}
    const here = new Promise<void>((resolve) => {
      come = resolve
    })
    return { keys: async (request, options) => here.then(() => world.keys(request, options)), come: () => come() }
  }

  test('640,000 entries of one byte: what is kept of them is bounded', () => {
    const intake = new Intake(0, new Uint8Array(32))
    const frame = Array.from({ length: 32_000 }, () => ({ proof: new Uint8Array(0), envelope: Uint8Array.of(0) }))
    for (let first = 1; first < 640_000; first += frame.length) intake.place(first, new Uint8Array(8), frame)
    expect(intake.overflowed).toBe(true)
    let kept = 0
    for (
      let run = intake.nextRun(Number.POSITIVE_INFINITY);
      run.length > 0;
      run = intake.nextRun(Number.POSITIVE_INFINITY)
    ) {
      for (const _ of run) intake.advance(new Uint8Array(32))
      kept += run.length
    }
    // 16 MiB at what an object in a map costs, some hundreds of bytes each.
    expect(kept).toBeGreaterThan(1_000)
    expect(kept).toBeLessThan(64 * 1024)
    expect(intake.isEmpty).toBe(true)
  })

  test('more than is kept is read again when the key is there: nothing is missing', async () => {
    const alice = await world.joined('Alice')
    for (let paste = 0; paste < 6; paste++) {
      alice.text.insert(alice.text.length, 'x'.repeat(3 * 1024 * 1024))
      await alice.provider.flush()
    }
    alice.text.insert(alice.text.length, 'the end')
    await alice.provider.flush()
    const { keys, come } = lateKeys()
    const bob = world.person('Bob', { keys, connect: false })
    const read = bob.wire.untilPassed('down', ({ type }) => type === 'caught-up')
    bob.provider.connect()
    await patiently(read, 'all of it to have come')
    come()
    await patiently(bob.provider.whenSynced, 'Bob to be synced')
    expect(bob.text.length).toBe(alice.text.length)
    expect(sent(bob, 'read')).toBeGreaterThan(0)
  })

  test('5,000 early awareness states: a bounded number of them is looked at, and the document goes on', async () => {
    const alice = await world.joined('Alice')
    const { keys, come } = lateKeys()
    const bob = world.person('Bob', { keys, connect: false, expects: ['tampered'] })
    const joined = bob.wire.untilPassed('down', ({ type }) => type === 'joined')
    bob.provider.connect()
    await joined
    const channel = upOf(bob).flatMap((message) => (message.type === 'join' ? [message.channel] : []))[0] as number
    const [socket] = bob.wire.sockets
    for (let session = 1_000; session < 6_000; session++) {
      socket?.deliver([{ type: 'awareness', channel, session, envelope: new Uint8Array(200).fill(0xa5) }])
    }
    come()
    await patiently(bob.provider.whenSynced, 'Bob to be synced')
    await untilTrue(bob.provider, 'problem', () => bob.problems.length > 0)
    await settle()
    expect(bob.provider.counters.tampered).toBeGreaterThan(0)
    expect(bob.provider.counters.tampered).toBeLessThanOrEqual(256)
    // Who really is there is seen at the next change.
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    const sees = (): boolean => bob.provider.awareness.getStates().get(alice.doc.clientID)?.name === 'Alice'
    await untilTrue(bob.provider.awareness, 'change', sees)
    alice.text.insert(0, 'goes on')
    await untilChanged(bob.doc, () => bob.text.toString() === 'goes on')
  })
})
