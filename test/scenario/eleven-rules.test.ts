import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, SealedProvider, staticKey } from 'y-sealed'
import { WebsocketProvider } from 'y-sealed/compat'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until, untilChanged, untilText, untilTrue } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { Wire } from '../support/wire.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What y-websocket's users expect and what no provider before this one kept: eleven rules, each with the tests that show it.

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

const appends = (): number =>
  world.capture.messages('up').filter(({ type }) => type === 'append' || type === 'stage' || type === 'open').length

describe('rule 1: the same scenarios pass with y-websocket and with y-sealed (shared-behaviour.test.ts)', () => {
  test('the class that they import from y-sealed/compat is the provider itself', () => {
    expect(WebsocketProvider).toBe(SealedProvider)
  })
})

describe('rule 2: every editor binding mounts against it with no adapter', () => {
  test('all that y-prosemirror, TipTap, y-quill, y-codemirror, BlockNote, Lexical and Slate ask of a provider is there', async () => {
    const { provider, doc } = await world.joined('Alice')
    const { awareness } = provider
    expect(provider.doc).toBe(doc)
    expect(awareness.doc.clientID).toBe(doc.clientID)
    for (const method of ['on', 'off', 'once', 'connect', 'disconnect', 'destroy'] as const) {
      expect(provider[method]).toBeTypeOf('function')
    }
    for (const method of ['getStates', 'getLocalState', 'setLocalState', 'setLocalStateField', 'on', 'off'] as const) {
      expect(awareness[method]).toBeTypeOf('function')
    }
    expect(awareness.states).toBeInstanceOf(Map)
    expect(provider.synced).toBeTypeOf('boolean')
  })

  test('Lexical: made with connect: false, told to disconnect before connecting has ended, then connected', async () => {
    const { provider } = world.person('Alice', { connect: false })
    const synced = until(provider, 'sync', (isSynced) => isSynced === true)
    await provider.connect()
    provider.disconnect()
    await provider.connect()
    await synced
  })
})

describe('rule 3: sync(true) never fires before the last stored update is applied, nor without keys', () => {
  test('a long log is in the document, whole, when it fires', async () => {
    const alice = await world.joined('Alice')
    for (let number = 0; number < 300; number++) {
      alice.text.insert(alice.text.length, `${number} `)
      if (number % 3 === 0) await alice.provider.flush()
    }
    await alice.provider.flush()
    const bob = world.person('Bob')
    let atSync = ''
    bob.provider.on('sync', (isSynced) => {
      if (isSynced) atSync = bob.text.toString()
    })
    await bob.provider.whenSynced
    expect(atSync).toBe(alice.text.toString())
  })

  test('it waits for the entries that stand between the join and the end of the log', async () => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'stored')
    await alice.provider.flush()
    const bob = world.person('Bob', { connect: false })
    bob.wire.hold('down', ({ type }) => type === 'entries')
    const arrived = bob.wire.untilPassed('down', ({ type }) => type === 'caught-up')
    bob.provider.connect()
    await arrived
    await settle()
    expect(bob.provider.synced).toBe(false)
    bob.wire.release('down')
    await bob.provider.whenSynced
    expect(bob.text.toString()).toBe('stored')
  })

  test.each<[string, KeySource]>([
    ['that never answers', () => new Promise(() => {})],
    ['that has none', () => Promise.resolve({ key: '' })],
    ['that cannot be reached', () => Promise.reject(new Error('no network'))],
  ])(
    'with a key source %s it does not fire in an hour, nothing is sent, and what was typed is kept',
    async (_, keys) => {
      const alice = await world.joined('Alice')
      alice.text.insert(0, 'for those with a key')
      await alice.provider.flush()
      const clock = new FakeClock()
      const expects = ['key-invalid', 'key-unavailable']
      const bob = world.person('Bob', { keys, unsafeClock: clock, expects, connect: false })
      const events: unknown[] = []
      bob.provider.on('sync', (isSynced) => events.push(isSynced))
      bob.provider.on('status', ({ status }) => events.push(status))
      const joined = bob.wire.untilPassed('down', ({ type }) => type === 'joined')
      const appendsBefore = appends()
      bob.provider.connect()
      bob.text.insert(0, 'mine')
      await joined
      for (let minute = 0; minute < 60; minute++) await clock.advance(60_000)
      expect(events.filter((event) => event === true || event === 'connected')).toEqual([])
      expect(appends()).toBe(appendsBefore)
      expect(bob.text.toString()).toBe('mine')
      expect(bob.provider.hasUnsyncedChanges).toBe(true)
    },
  )
})

describe('rule 4: an edit made offline arrives exactly once', () => {
  test('it adds one entry to the log, however often the connection comes and goes afterwards', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.provider.disconnect()
    alice.text.insert(0, 'offline')
    alice.text.insert(7, ' and')
    alice.text.insert(11, ' more')
    for (let time = 0; time < 5; time++) {
      alice.provider.connect()
      await untilTrue(alice.provider, 'sync', () => alice.provider.synced)
      await alice.provider.flush()
      alice.provider.disconnect()
    }
    await untilText(bob.doc, 'offline and more')
    expect(await world.log()).toHaveLength(1)
    expect(await world.freshText()).toBe('offline and more')
  })

  test('also if the ack of it was lost on the way', async () => {
    const alice = await world.joined('Alice')
    alice.wire.cutAt('down', ({ type }) => type === 'ack')
    const back = until(alice.provider, 'sync', (isSynced) => isSynced === true)
    alice.text.insert(0, 'said once')
    await back
    await alice.provider.flush()
    expect(await world.log()).toHaveLength(1)
    expect(await world.freshText()).toBe('said once')
  })
})

describe('rule 5: what was acked is stored, whatever happens next (kill-relay.test.ts does it in mid-typing)', () => {
  test('flush() resolves, the relay is killed with -9, the writer never comes back: the next reader has it all', async () => {
    const directory = mkdtempSync(`${tmpdir()}/y-sealed-rule-5-`)
    const relay = await startRelayProcess(directory)
    const join = (doc: Y.Doc): SealedProvider =>
      new SealedProvider(relay.url, 'room', doc, {
        keys: staticKey('rule-five-is-about-durable-acks-0123456789'),
        WebSocketPolyfill: new Wire().WebSocket,
      })
    const doc = new Y.Doc()
    const writer = join(doc)
    await patiently(writer.whenSynced, 'the writer to be synced')
    doc.getText('text').insert(0, 'saved means saved')
    await patiently(writer.flush(), 'the ack')
    await relay.kill()
    writer.destroy()
    await relay.restart()
    const readerDoc = new Y.Doc()
    const reader = join(readerDoc)
    await patiently(reader.whenSynced, 'the reader to be synced')
    expect(readerDoc.getText('text').toString()).toBe('saved means saved')
    reader.destroy()
    await relay.stop()
    rmSync(directory, { recursive: true })
  })
})

describe('rule 6: an idle reconnect appends nothing', () => {
  test('a hundred reconnects of two people to a document with inserts, deletes and map entries: zero entries, zero appends', async () => {
    const alice = await world.joined('Alice')
    alice.text.insert(0, 'some text that is partly deleted')
    alice.text.delete(5, 10)
    for (const value of [1, 2, 3]) alice.doc.getMap('map').set('key', value)
    const paragraph = new Y.XmlElement('p')
    alice.doc.getXmlFragment('xml').insert(0, [paragraph])
    paragraph.insert(0, [new Y.XmlText('inside')])
    alice.doc.getXmlFragment('xml').delete(0, 1)
    await alice.provider.flush()
    const bob = await world.joined('Bob')
    // What one deletes while the other writes into it or beside it makes deletions that stand in nobody's update:
    // each document derives them, and a state vector does not show them.
    const list = new Y.XmlElement('ul')
    alice.doc.getXmlFragment('xml').insert(0, [list])
    await alice.provider.flush()
    await untilChanged(bob.doc, () => bob.doc.getXmlFragment('xml').length === 1)
    alice.provider.disconnect()
    bob.provider.disconnect()
    alice.doc.getMap('map').set('key', 'Alice')
    bob.doc.getMap('map').set('key', 'Bob')
    alice.doc.getXmlFragment('xml').delete(0, 1)
    const bobsList = bob.doc.getXmlFragment('xml').get(0) as Y.XmlElement
    bobsList.insert(0, [new Y.XmlText('into what is gone')])
    alice.provider.connect()
    bob.provider.connect()
    for (const { provider } of [alice, bob]) {
      await untilTrue(provider, 'sync', () => provider.synced)
      await provider.flush()
    }
    await untilEqual([alice.doc, bob.doc])
    const entriesBefore = (await world.log()).length
    const appendsBefore = appends()
    for (const person of [alice, bob]) {
      for (let time = 0; time < 50; time++) {
        const back = until(person.provider, 'sync', (isSynced) => isSynced === true)
        person.provider.disconnect()
        person.provider.connect()
        await back
        expect(person.provider.hasUnsyncedChanges).toBe(false)
      }
    }
    expect(appends()).toBe(appendsBefore)
    expect(await world.log()).toHaveLength(entriesBefore)
  }, 60_000)
})

describe('rule 7: one cursor move in a room of N is one frame upwards', () => {
  test('with ten people who all see it', async () => {
    // Nobody's awareness is sent before the test lets time pass, so that an echo could not hide in a coalescing window.
    const clock = new FakeClock(Date.now())
    const people: Person[] = []
    for (let number = 0; number < 10; number++) {
      const person = await world.joined(`person ${number}`, { unsafeClock: clock })
      person.provider.awareness.setLocalStateField('name', number)
      people.push(person)
    }
    await clock.advance(1_000)
    const [first, ...others] = people as [Person, ...Person[]]
    for (const { provider } of people) {
      const names = (): number =>
        [...provider.awareness.getStates().values()].filter(({ name }) => name !== undefined).length
      await untilTrue(provider.awareness, 'change', () => names() === people.length, 'ten names')
    }
    await clock.advance(1_000)
    const before = upFrames()
    first.provider.awareness.setLocalStateField('cursor', 2)
    for (const { provider } of others) {
      const cursor = (): unknown => provider.awareness.getStates().get(first.doc.clientID)?.cursor
      await untilTrue(provider.awareness, 'change', () => cursor() === 2, 'the cursor')
    }
    await clock.advance(1_000)
    expect(upFrames() - before).toBe(1)
  })

  function upFrames(): number {
    return world.capture.frames.filter(({ direction }) => direction === 'up').length
  }
})

describe('rule 8: a lone idle client stays connected', () => {
  test('for five minutes, on one socket, without a word to the app', async () => {
    const clock = new FakeClock()
    const alice = await world.joined('Alice', { unsafeClock: clock })
    const events: unknown[] = []
    alice.provider.on('status', (event) => events.push(event))
    alice.provider.on('sync', (event) => events.push(event))
    const answered = (): number => world.capture.messages('down').filter(({ type }) => type === 'pong').length
    const asked = (): number => world.capture.messages('up').filter(({ type }) => type === 'ping').length
    for (let passedMs = 0; passedMs < 5 * 60_000; passedMs += 5_000) {
      const pong = alice.wire.untilPassed('down', ({ type }) => type === 'pong')
      await clock.advance(5_000)
      if (answered() < asked()) await patiently(pong, 'the relay to answer a ping')
    }
    expect(asked()).toBeGreaterThan(5)
    expect(events).toEqual([])
    expect(alice.wire.sockets).toHaveLength(1)
    expect(alice.wire.openSockets).toHaveLength(1)
  })

  test('and a relay that has silently gone is found out within a minute', async () => {
    const clock = new FakeClock()
    const alice = await world.joined('Alice', { unsafeClock: clock })
    alice.wire.hold('down')
    const disconnected = until(
      alice.provider,
      'status',
      (event) => (event as { status: string }).status === 'disconnected',
    )
    for (let passedMs = 0; passedMs < 60_000; passedMs += 5_000) await clock.advance(5_000)
    await disconnected
    const back = untilTrue(alice.provider, 'sync', () => alice.provider.synced, 'a new connection')
    await clock.advance(5_000)
    await back
    expect(alice.wire.openSockets).toHaveLength(1)
  })
})

describe('rule 9: no plaintext anywhere (canary.test.ts searches processes; the browser tests search the browser)', () => {
  test('what is typed, named and keyed is in no frame, no file of the relay and no log line: asserted when the world closes', async () => {
    const alice = await world.joined('Alice')
    const bob = await world.joined('Bob')
    alice.text.insert(0, world.canary('text'))
    alice.doc.getMap(world.canary('type name')).set(world.canary('map key'), world.canary('map value'))
    alice.provider.awareness.setLocalState({ user: { name: world.canary('name') } })
    await alice.provider.flush()
    await untilText(bob.doc, alice.text.toString())
    await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(alice.doc.clientID))
  })
})

describe('rule 10: many providers in one Node process', () => {
  test('twenty make no MaxListenersExceededWarning', async () => {
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', note)
    const people = Array.from({ length: 20 }, (_, number) =>
      world.person(`person ${number}`, { room: `room ${number}` }),
    )
    await Promise.all(people.map(({ provider }) => provider.whenSynced))
    for (const { provider } of people) provider.destroy()
    await settle()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('rule 11: StrictMode mounts twice', () => {
  test('connect, disconnect, connect leaves one socket, one session and one awareness state', async () => {
    const bob = await world.joined('Bob')
    const alice = world.person('Alice', { connect: false })
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    alice.provider.connect()
    alice.provider.disconnect()
    alice.provider.connect()
    await alice.provider.whenSynced
    await untilTrue(bob.provider.awareness, 'change', () => bob.provider.awareness.getStates().has(alice.doc.clientID))
    await settle()
    expect(alice.wire.openSockets).toHaveLength(1)
    expect([...bob.provider.awareness.getStates().values()].filter(({ name }) => name === 'Alice')).toHaveLength(1)
  })

  test('the effect’s whole life twice, with a provider of its own each time: the first leaves nothing behind', async () => {
    const doc = new Y.Doc()
    const first = world.person('Alice', { doc })
    first.provider.destroy()
    const second = world.person('Alice', { doc })
    await second.provider.whenSynced
    doc.getText('text').insert(0, 'once')
    await second.provider.flush()
    await settle()
    expect(first.wire.openSockets).toEqual([])
    expect(second.wire.openSockets).toHaveLength(1)
    expect(await world.log()).toHaveLength(1)
  })

  test('a destroyed provider leaves no timer behind', async () => {
    const clock = new FakeClock()
    const alice = await world.joined('Alice', { unsafeClock: clock })
    alice.text.insert(0, 'x')
    await alice.provider.flush()
    alice.provider.destroy()
    await settle()
    expect(clock.waiting).toBe(0)
  })
})
