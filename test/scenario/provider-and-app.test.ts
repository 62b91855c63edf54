import type { Down, Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { patiently, until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { Wire } from '../support/wire.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What an app does to its provider: it throws, lets go, comes back and decides otherwise, at any moment.

type ProcessEvent = 'uncaughtException' | 'unhandledRejection'

let world: World
let relayClock: FakeClock
/** What nobody has caught, in place of the test runner's own listeners. */
let uncaught: unknown[]
let restoreListeners: () => void

beforeEach(async () => {
  relayClock = new FakeClock(Date.now())
  world = await startWorld({ relayClock })
  uncaught = []
  const events: ProcessEvent[] = ['uncaughtException', 'unhandledRejection']
  const note = (error: unknown): void => void uncaught.push(error)
  const before = events.map((event) => [event, process.listeners(event as 'uncaughtException')] as const)
  for (const [event, listeners] of before) {
    for (const listener of listeners) process.off(event, listener)
    process.on(event, note)
  }
  restoreListeners = () => {
    for (const [event, listeners] of before) {
      process.off(event, note)
      for (const listener of listeners) process.on(event, listener)
    }
  }
})
afterEach(async () => {
  try {
    await world.close()
    await settle()
  } finally {
    restoreListeners()
  }
})

const messages = (uncaughtErrors: unknown[]): string[] =>
  uncaughtErrors.map((error) => (error instanceof Error ? error.message : String(error)))
const codes = ({ problems }: Person): string[] => problems.map(({ code }) => code)
const upOf = ({ wire }: Person): Up[] =>
  wire.sockets.flatMap(({ connection }) => world.capture.messages('up', connection))
const nextSync = ({ provider, name }: Person): Promise<unknown> =>
  until(provider, 'sync', (isSynced) => isSynced === true, `${name} to be synced again`)
const channelOf = (person: Person): number =>
  upOf(person)
    .flatMap((message) => (message.type === 'join' ? [message.channel] : []))
    .at(-1) as number
const throwing = (words: string) => () => {
  throw new Error(words)
}

describe('destroy() at any moment', () => {
  const keys = staticKey('a-key-that-nobody-guesses-0123456789')
  // One turn of the promises after the other, from a word of the relay until what it began is over.
  const moments = Array.from({ length: 100 }, (_, turn) => turn)

  test.each([
    ['a new document is keyed', 'joined', true],
    ['a new document is opened', 'opened', true],
    ['a document that exists is keyed', 'joined', false],
  ])('a hundred moments while %s: nothing is left over', async (_, word, isNew) => {
    if (!isNew) (await world.joined('Alice', { keys })).provider.destroy()
    for (const turns of moments) {
      const initial = (doc: Y.Doc): void => doc.getText('text').insert(0, 'seed')
      const bob = world.person('Bob', { keys, room: isNew ? `room ${turns}` : 'room', initial, connect: false })
      const begun = bob.wire.untilPassed('down', ({ type }) => type === word)
      bob.provider.connect()
      bob.text.insert(0, 'typed')
      await begun
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      bob.provider.destroy()
      expect(bob.problems).toEqual([])
    }
    await settle()
    expect(uncaught).toEqual([])
  })

  test.each(['connection-close', 'connection-error', 'status', 'sync', 'sync-status'] as const)(
    'inside %s: no timer, no socket, nobody listens on',
    async (event) => {
      const clock = new FakeClock(Date.now())
      const alice = await world.joined('Alice', { unsafeClock: clock })
      let isDestroyed = false
      const destroyed = until(alice.provider, event, () => {
        alice.provider.destroy()
        isDestroyed = true
        return true
      })
      alice.wire.unplug()
      await settle()
      // connection-error is told at the next attempt.
      for (let step = 0; step < 100 && !isDestroyed; step++) await clock.advance(50)
      await destroyed
      expect(clock.waiting).toBe(0)
      expect(alice.wire.openSockets).toEqual([])
      const attempts = alice.wire.sockets.length
      await clock.advance(120_000)
      expect(alice.wire.sockets).toHaveLength(attempts)
      expect(uncaught).toEqual([])
    },
  )

  test.each(['closed', 'problem', 'session-revoked'] as const)('inside %s, told of a 4403: the same', async (event) => {
    const clock = new FakeClock(Date.now())
    const alice = await world.joined('Alice', { unsafeClock: clock, expects: ['session-revoked'] })
    const destroyed = until(alice.provider, event, () => {
      alice.provider.destroy()
      return true
    })
    alice.wire.closeFromRelay(4403)
    await destroyed
    await clock.advance(120_000)
    expect(clock.waiting).toBe(0)
    expect(alice.wire.sockets).toHaveLength(1)
    expect(uncaught).toEqual([])
  })
})

describe('the option initial throws', () => {
  test('initial-failed, nothing is opened, others can open; connect() tries again', async () => {
    let isMended = false
    let calls = 0
    const secret = world.canary('the words of the exception')
    const initial = (doc: Y.Doc): void => {
      calls++
      doc.getText('text').insert(0, 'half a seed')
      if (!isMended) throw new Error(secret)
    }
    const alice = world.person('Alice', { initial, expects: ['initial-failed'] })
    await untilTrue(alice.provider, 'problem', () => alice.problems.length > 0)
    await settle()
    expect(codes(alice)).toEqual(['initial-failed'])
    expect(alice.problems[0]?.message).not.toContain(secret)
    expect(calls).toBe(1)
    expect(alice.text.toString()).toBe('')
    expect(alice.provider.synced).toBe(false)
    expect(upOf(alice).some(({ type }) => type === 'open')).toBe(false)
    await expect(alice.provider.flush()).rejects.toMatchObject({ code: 'initial-failed' })

    isMended = true
    const synced = nextSync(alice)
    alice.provider.connect()
    await synced
    expect(alice.text.toString()).toBe('half a seed')
    expect(await world.freshText()).toBe('half a seed')
    expect(uncaught).toEqual([])
  })

  test('somebody else opens meanwhile: connect() reads what is there, and initial is not asked again', async () => {
    let calls = 0
    const initial = (): void => {
      calls++
      throw new Error('broken template')
    }
    const alice = world.person('Alice', { initial, expects: ['initial-failed'] })
    await untilTrue(alice.provider, 'problem', () => alice.problems.length > 0)
    const bob = await world.joined('Bob')
    bob.text.insert(0, 'opened by Bob')
    await bob.provider.flush()
    const synced = nextSync(alice)
    alice.provider.connect()
    await synced
    expect(alice.text.toString()).toBe('opened by Bob')
    expect(calls).toBe(1)
  })
})

describe('what is over a limit of the protocol', () => {
  test.each([
    ['of 1,025 bytes', 'r'.repeat(1_025)],
    ['of 1,026 bytes in 513 characters', 'é'.repeat(513)],
    ['that is empty', ''],
    ['that is no string', 7 as unknown as string],
  ])('a room %s is a TypeError at construction, before anything is opened', (_, room) => {
    const wire = new Wire()
    // What keys are bound to has a limit of its own, and another check.
    const options = { keys: world.keys, WebSocketPolyfill: wire.WebSocket, documentId: 'short' }
    expect(() => new SealedProvider(world.relayUrl, room, new Y.Doc(), options)).toThrow(TypeError)
    expect(wire.sockets).toEqual([])
  })

  test('a room of 1,024 bytes is a room', async () => {
    const alice = await world.joined('Alice', { room: 'r'.repeat(1_024) })
    alice.text.insert(0, 'fits')
    await alice.provider.flush()
  })

  test.each([
    ['a token over 8 KiB', { token: 't'.repeat(8 * 1024 + 1) }],
    ['params over 8 KiB', { params: { p: 'p'.repeat(8 * 1024 + 1) } }],
  ])('%s: limit, and nothing hangs', async (_, options) => {
    const alice = world.person('Alice', { ...options, expects: ['limit'] })
    alice.text.insert(0, 'kept')
    const flushed = alice.provider.flush()
    await expect(patiently(flushed, 'flush() to settle')).rejects.toMatchObject({ code: 'limit' })
    await expect(alice.provider.flush()).rejects.toMatchObject({ code: 'limit' })
    await settle()
    expect(codes(alice)).toEqual(['limit'])
    expect(alice.problems[0]?.message).not.toMatch(/ttt|ppp/)
    expect(upOf(alice).filter(({ type }) => type === 'join')).toEqual([])
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    expect(uncaught).toEqual([])
  })

  test('an awareness state of 300 KiB: limit, once; the document and the next state go on', async () => {
    const alice = await world.joined('Alice', { expects: ['limit'] })
    const bob = await world.joined('Bob')
    const sockets = alice.wire.sockets.length
    alice.provider.awareness.setLocalState({ name: 'Alice', selection: 's'.repeat(300 * 1024) })
    await untilTrue(alice.provider, 'problem', () => alice.problems.length > 0)
    expect(codes(alice)).toEqual(['limit'])
    alice.text.insert(0, 'goes on')
    await alice.provider.flush()
    await untilText(bob.doc, 'goes on')
    const sees = (): boolean => bob.provider.awareness.getStates().get(alice.doc.clientID)?.name === 'Alice, small'
    alice.provider.awareness.setLocalState({ name: 'Alice, small' })
    await untilTrue(bob.provider.awareness, 'change', sees)
    expect(alice.wire.sockets).toHaveLength(sockets)
    expect(uncaught).toEqual([])
  })
})

describe('a listener of the app throws', () => {
  test.each(['sync', 'synced', 'status', 'sync-status', 'connection-close'] as const)(
    'in %s: the provider goes on through a reconnect, and the error is seen as an uncaught one',
    async (event) => {
      const alice = world.person('Alice')
      const bob = await world.joined('Bob')
      alice.provider.on(event, throwing(`thrown in ${event}`))
      await patiently(alice.provider.whenSynced, 'Alice to be synced')
      alice.text.insert(0, 'a')
      await patiently(alice.provider.flush(), 'the edit to be durable')
      // Who listens to the same event after the one that throws is not told: that is how lib0 emits.
      const back = event === 'sync' ? until(alice.provider, 'synced', (isSynced) => isSynced === true) : nextSync(alice)
      alice.wire.cut()
      alice.text.insert(1, 'b')
      await back
      await patiently(alice.provider.flush(), 'the edit to be durable')
      await untilText(bob.doc, 'ab')
      bob.text.insert(2, 'c')
      await untilText(alice.doc, 'abc')
      bob.provider.awareness.setLocalState({ name: 'Bob' })
      const sees = (): boolean => alice.provider.awareness.getStates().get(bob.doc.clientID)?.name === 'Bob'
      await untilTrue(alice.provider.awareness, 'change', sees)
      await settle()
      expect(new Set(messages(uncaught))).toEqual(new Set([`thrown in ${event}`]))
      expect(alice.problems).toEqual([])
    },
  )

  test('in problem, and in the listener of one code: both are told, and the provider recovers', async () => {
    const alice = await world.joined('Alice', { expects: ['relay-fault'] })
    alice.provider.on('problem', throwing('thrown in problem'))
    alice.provider.on('relay-fault', throwing('thrown in relay-fault'))
    const back = nextSync(alice)
    alice.wire.openSockets[0]?.deliver(new Uint8Array(20).fill(0xa5))
    alice.text.insert(0, 'typed in the confusion')
    await back
    await patiently(alice.provider.flush(), 'the edit to be durable')
    await settle()
    expect(messages(uncaught)).toEqual(['thrown in problem', 'thrown in relay-fault'])
    expect(await world.freshText()).toBe('typed in the confusion')
  })

  test('in closed: it is ended all the same, and connect() works', async () => {
    const alice = await world.joined('Alice', { expects: ['session-revoked'] })
    alice.provider.on('closed', throwing('thrown in closed'))
    const closed = until(alice.provider, 'connection-close')
    alice.wire.closeFromRelay(4403)
    await closed
    await settle()
    expect(alice.provider.shouldConnect).toBe(false)
    const back = nextSync(alice)
    alice.provider.connect()
    await back
    expect(messages(uncaught)).toEqual(['thrown in closed'])
  })

  const awarenessEvents = ['change', 'update'] as const
  const namesSeenBy = ({ provider }: Person): unknown[] =>
    [...provider.awareness.getStates().values()].flatMap(({ name }) => (name === undefined ? [] : [name])).sort()

  test.each(awarenessEvents)('in awareness %s: the states of others come and go all the same', async (event) => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    const carol = await world.joined('Carol')
    // Listens before the one that throws: lib0 tells nobody after it.
    const { awareness } = alice.provider
    const both = untilTrue(awareness, event, () => namesSeenBy(alice).join() === 'Bob,Carol', 'both to be seen')
    const one = until(awareness, event, () => namesSeenBy(alice).join() === 'Carol', 'Bob to be gone')
    const alarmed = throwing(`thrown in awareness ${event}`)
    awareness.on(event, alarmed)
    bob.provider.awareness.setLocalState({ name: 'Bob' })
    await settle()
    carol.provider.awareness.setLocalState({ name: 'Carol' })
    await both
    bob.provider.destroy()
    carol.text.insert(0, 'and the text')
    await untilText(alice.doc, 'and the text')
    if (namesSeenBy(alice).includes('Bob')) await one
    await settle()
    expect(namesSeenBy(alice)).toEqual(['Carol'])
    expect(new Set(messages(uncaught))).toEqual(new Set([`thrown in awareness ${event}`]))
    expect(alice.problems).toEqual([])
    one.catch(() => {})
    awareness.off(event, alarmed)
  })

  test.each(awarenessEvents)(
    'in awareness %s, while the connection breaks and comes back: the provider does too',
    async (event) => {
      const alice = await world.joined('Alice')
      const bob = await world.joined('Bob')
      const { awareness } = alice.provider
      awareness.setLocalState({ name: 'Alice' })
      const seen = until(awareness, event, () => namesSeenBy(alice).join() === 'Alice,Bob', 'Bob to be seen')
      bob.provider.awareness.setLocalState({ name: 'Bob' })
      await seen
      const alarmed = throwing(`thrown in awareness ${event}`)
      awareness.on(event, alarmed)
      const back = nextSync(alice)
      alice.wire.cut()
      alice.text.insert(0, 'typed offline')
      await back
      await patiently(alice.provider.flush(), 'the edit to be durable')
      await untilText(bob.doc, 'typed offline')
      await settle()
      expect(alice.problems).toEqual([])
      expect(alice.provider.wsconnected).toBe(true)
      alice.provider.disconnect()
      expect(alice.provider.wsconnected).toBe(false)
      expect(namesSeenBy(alice)).toEqual(['Alice'])
      await settle()
      expect(new Set(messages(uncaught))).toEqual(new Set([`thrown in awareness ${event}`]))
      awareness.off(event, alarmed)
    },
  )

  test.each(awarenessEvents)('in awareness %s: destroy() leaves nothing behind', async (event) => {
    const clock = new FakeClock(Date.now())
    const alice = await world.joined('Alice', { unsafeClock: clock })
    const bob = await world.joined('Bob')
    const { awareness } = alice.provider
    const seen = until(awareness, event, () => namesSeenBy(alice).includes('Bob'), 'Bob to be seen')
    bob.provider.awareness.setLocalState({ name: 'Bob' })
    await seen
    const alarmed = throwing(`thrown in awareness ${event}`)
    awareness.on(event, alarmed)
    alice.wire.drop('up', ({ type }) => type === 'append')
    alice.text.insert(0, 'unsynced')
    const flushed = alice.provider.flush()
    // Whoever waits for it hears of it, whatever the listener does.
    const rejected = expect(patiently(flushed, 'flush() to settle')).rejects.toMatchObject({ code: 'destroyed' })
    alice.provider.destroy()
    await rejected
    await clock.advance(60_000)
    expect(alice.wire.openSockets).toEqual([])
    expect(clock.waiting).toBe(0)
    awareness.off(event, alarmed)
  })

  const observers: [string, (person: Person, listener: () => never) => void][] = [
    ['an observer of the text', ({ text }, listener) => text.observe(listener)],
    ['a deep observer', ({ text }, listener) => text.observeDeep(listener)],
    ['a listener of the document’s updates', ({ doc }, listener) => void doc.on('update', listener)],
    ['a listener of its transactions', ({ doc }, listener) => void doc.on('afterTransaction', listener)],
  ]

  test.each(observers)(
    'in %s: what others write goes on arriving, and nothing is sent because of it',
    async (_, observe) => {
      const alice = await world.joined('Alice')
      const bob = await world.joined('Bob')
      observe(alice, throwing('thrown in an observer'))
      bob.text.insert(0, 'a')
      await bob.provider.flush()
      bob.text.insert(1, 'b')
      bob.doc.getMap('map').set('key', 1)
      bob.doc.getMap('map').set('key', 2)
      await bob.provider.flush()
      await settle()
      expect(alice.text.toString()).toBe('ab')
      expect(alice.doc.getMap('map').get('key')).toBe(2)
      expect(new Set(messages(uncaught))).toEqual(new Set(['thrown in an observer']))
      expect(alice.provider.synced).toBe(true)
      const back = nextSync(alice)
      alice.wire.cut()
      await back
      await alice.provider.flush()
      await settle()
      expect(upOf(alice).filter(({ type }) => type === 'append')).toEqual([])
      expect(alice.problems).toEqual([])
    },
  )
})

describe('the relay ends it for good', () => {
  const endings: [string, (person: Person, code: number) => void][] = [
    [
      'this document’s session',
      (person, code) =>
        person.wire.openSockets[0]?.deliver([{ type: 'closed', channel: channelOf(person), code, reason: 'ended' }]),
    ],
    ['the connection', (person, code) => person.wire.closeFromRelay(code)],
  ]
  const cases = endings.flatMap(([what, end]) =>
    (
      [
        [4403, 'session-revoked'],
        [4404, 'document-deleted'],
        [4401, 'auth-required'],
      ] as const
    ).map(([code, problem]) => [what, code, problem, end] as const),
  )

  test.each(cases)('%s with %i: connect() in the `closed` handler works', async (_, code, problem, end) => {
    const alice = await world.joined('Alice', { expects: [problem] })
    const closed = until<[{ code: number }]>(alice.provider, 'closed', () => {
      alice.provider.connect()
      return true
    })
    const back = nextSync(alice)
    end(alice, code)
    expect((await closed)[0].code).toBe(code)
    await back
    alice.text.insert(0, 'access again')
    await patiently(alice.provider.flush(), 'the edit to be durable')
    expect(alice.provider.shouldConnect).toBe(true)
    expect(codes(alice)).toEqual([problem])
    expect(await world.freshText()).toBe('access again')
  })

  test.each(cases)(
    '%s with %i: it stays ended, and flush() says why instead of waiting',
    async (_, code, problem, end) => {
      const alice = await world.joined('Alice', { expects: [problem] })
      alice.wire.drop('up', ({ type }) => type === 'append')
      alice.text.insert(0, 'unsynced')
      const waiting = alice.provider.flush()
      const closed = until(alice.provider, 'closed')
      end(alice, code)
      await expect(waiting).rejects.toMatchObject({ code: problem })
      await closed
      await expect(alice.provider.flush()).rejects.toMatchObject({ code: problem })
      await settle()
      expect(alice.provider.wsconnected).toBe(false)
      expect(alice.provider.shouldConnect).toBe(false)
      expect(alice.provider.hasUnsyncedChanges).toBe(true)
      expect(alice.wire.sockets).toHaveLength(1)
      const back = nextSync(alice)
      alice.provider.connect()
      await back
      await patiently(alice.provider.flush(), 'what was unsynced')
      expect(await world.freshText()).toBe('unsynced')
    },
  )
})

describe('the app decides otherwise in the middle of it', () => {
  /** The relay has lost what Alice has read. */
  async function loseLog(alice: Person): Promise<void> {
    alice.text.insert(0, 'one')
    await alice.provider.flush()
    alice.wire.rewrite('down', (said) =>
      (said as Down[]).map((message) =>
        message.type === 'joined' ? { ...message, confirmed: false, records: [] } : message,
      ),
    )
  }

  test.each(['rollback', 'problem'] as const)(
    'disconnect() in the `%s` handler leaves it disconnected',
    async (event) => {
      const alice = await world.joined('Alice', { expects: ['rollback'] })
      await loseLog(alice)
      const decided = until(alice.provider, event, () => {
        alice.provider.disconnect()
        return true
      })
      alice.wire.cut()
      await decided
      await settle()
      expect(alice.wire.openSockets).toEqual([])
      expect(alice.provider.wsconnected).toBe(false)
      expect(alice.provider.shouldConnect).toBe(false)
      expect(alice.provider.synced).toBe(false)
      const sockets = alice.wire.sockets.length
      const back = nextSync(alice)
      alice.wire.rewrite('down', undefined)
      alice.provider.connect()
      await back
      expect(alice.wire.sockets).toHaveLength(sockets + 1)
      alice.text.insert(3, ', two')
      await patiently(alice.provider.flush(), 'the edit to be durable')
      expect(await world.freshText()).toBe('one, two')
    },
  )

  test.each(['connecting', 'connected'])('disconnect() at status %s leaves it disconnected', async (status) => {
    const alice = world.person('Alice', { connect: false })
    const decided = until<[{ status: string }]>(alice.provider, 'status', (event) => {
      if (event.status !== status) return false
      alice.provider.disconnect()
      return true
    })
    alice.provider.connect()
    await decided
    await settle()
    expect(alice.wire.openSockets).toEqual([])
    expect(alice.provider.wsconnected).toBe(false)
    expect(alice.provider.synced).toBe(false)
    const synced = nextSync(alice)
    alice.provider.connect()
    await synced
    expect(uncaught).toEqual([])
  })
})

describe('who may only read', () => {
  /** The relay gives this person no right to write. */
  function asReader(person: Person): void {
    person.wire.rewrite('down', (said) =>
      (said as Down[]).map((message) => (message.type === 'joined' ? { ...message, role: 'read' as const } : message)),
    )
    person.provider.connect()
  }

  test('two members make the same words bold at once: Yjs’ clean-up is no edit of the viewer’s', async () => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'bold words here')
    await alice.provider.flush()
    const bob = await world.joined('Bob')
    const viewer = world.person('viewer', { connect: false })
    asReader(viewer)
    await patiently(viewer.provider.whenSynced, 'the viewer to be synced')
    let cleanUps = 0
    viewer.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin !== viewer.provider) cleanUps++
    })
    for (const { wire } of [alice, bob]) wire.hold('down', ({ type }) => type === 'entries')
    alice.text.format(0, 10, { bold: true })
    bob.text.format(0, 10, { bold: true })
    await Promise.all([
      patiently(
        alice.wire.untilPassed('down', ({ type }) => type === 'entries'),
        'Bob’s to reach Alice',
      ),
      patiently(
        bob.wire.untilPassed('down', ({ type }) => type === 'entries'),
        'Alice’s to reach Bob',
      ),
    ])
    await settle()
    // Otherwise this test tests nothing.
    expect(cleanUps).toBeGreaterThan(0)
    expect(viewer.problems).toEqual([])
    expect(viewer.provider.hasUnsyncedChanges).toBe(false)
    expect(viewer.provider.syncStatus.status).toBe('green')
    await expect(viewer.provider.flush()).resolves.toBeUndefined()
    const back = nextSync(viewer)
    viewer.wire.cut()
    await back
    expect(viewer.problems).toEqual([])
    expect(viewer.provider.hasUnsyncedChanges).toBe(false)
    for (const { wire } of [alice, bob]) wire.release('down')
  })

  test('an edit is denied at once, and told once; what others write goes on arriving', async () => {
    const alice = await world.joined('Alice')
    const viewer = world.person('viewer', { connect: false, expects: ['write-denied'] })
    asReader(viewer)
    await patiently(viewer.provider.whenSynced, 'the viewer to be synced')
    viewer.text.insert(0, 'mine. ')
    await expect(viewer.provider.flush()).rejects.toMatchObject({ code: 'write-denied' })
    alice.text.insert(0, 'goes on')
    await untilTrue(viewer.doc, 'update', () => viewer.text.toString().includes('goes on'))
    expect(codes(viewer)).toEqual(['write-denied'])
    expect(await world.freshText()).toBe('goes on')
  })

  test('after write-denied a lost fan-out is still noticed by the heartbeat', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob', { expects: ['write-denied'] })
    bob.wire.rewrite('up', (said, socket) => {
      const [message] = said
      if (message?.type !== 'append' || !('envelopes' in message)) return said
      const { channel, request } = message
      setImmediate(() => socket.deliver([{ type: 'refused', channel, request, code: 'write-denied', detail: '' }]))
      return []
    })
    bob.doc.getText('mine').insert(0, 'denied')
    await untilTrue(bob.provider, 'problem', () => bob.problems.length > 0)
    bob.wire.drop('down', ({ type }) => type === 'entries')
    const lost = bob.wire.untilPassed('down', ({ type }) => type === 'entries')
    alice.text.insert(0, 'the last word')
    await lost
    await settle()
    expect(bob.text.toString()).toBe('')
    await relayClock.advance(5_000)
    await untilText(bob.doc, 'the last word')
    expect(codes(bob)).toEqual(['write-denied'])
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
    expect(bob.doc.getText('mine').toString()).toBe('denied')
  })
})
