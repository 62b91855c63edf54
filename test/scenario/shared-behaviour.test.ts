import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { until, untilText, untilTrue } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { Wire } from '../support/wire.ts'
import { type CommonOptions, type CommonProvider, type Field, fields } from './fields.ts'

interface Member {
  readonly doc: Y.Doc
  readonly text: Y.Text
  readonly provider: CommonProvider
  readonly wire: Wire
  /** Every event with its arguments, the provider itself left out. */
  readonly events: [string, ...unknown[]][]
}

const EVENTS = ['status', 'sync', 'synced', 'connection-close', 'connection-error', 'closed']

describe.each(fields)('$name', ({ open }) => {
  let field: Field
  let members: Member[]

  beforeEach(async () => {
    field = await open()
    members = []
  })

  afterEach(async () => {
    for (const { provider, wire, doc } of members) {
      provider.destroy()
      for (const socket of wire.sockets) socket.terminate()
      doc.destroy()
    }
    await field.close()
  })

  // Without BroadcastChannel, so that what is tested went over the network.
  function join(room: string, options: CommonOptions = {}, doc = new Y.Doc()): Member {
    const wire = new Wire()
    const all = {
      disableBc: true,
      maxBackoffTime: 200,
      WebSocketPolyfill: wire.WebSocket,
      ...field.options,
      ...options,
    }
    const provider = new field.Provider(field.url, room, doc, all)
    const events: Member['events'] = []
    for (const event of EVENTS) {
      provider.on(event, (...args: unknown[]) => void events.push([event, ...args.filter((arg) => arg !== provider)]))
    }
    const member = { doc, text: doc.getText('text'), provider, wire, events }
    members.push(member)
    return member
  }

  async function joined(room: string, options: CommonOptions = {}, doc = new Y.Doc()): Promise<Member> {
    const member = join(room, options, doc)
    await synced(member)
    return member
  }

  const synced = ({ provider }: Member): Promise<void> =>
    untilTrue(provider as never, 'sync', () => provider.synced, 'sync')
  const named = (member: Member, event: string): unknown[] =>
    member.events.filter(([name]) => name === event).map(([, argument]) => argument)
  const names = ({ provider }: Member): unknown[] =>
    [...provider.awareness.getStates().values()]
      .map((state) => state.name as unknown)
      .filter((name) => name !== undefined)
  const untilNames = (member: Member, expected: string[]): Promise<void> =>
    untilTrue(
      member.provider.awareness as never,
      'change',
      () => JSON.stringify(names(member).sort()) === JSON.stringify([...expected].sort()),
      `the names ${expected}`,
    )

  test('a provider is made from URL, room, document and options, and starts to connect at once', async () => {
    const alice = join('constructed')
    expect(alice.provider).toMatchObject({
      roomname: 'constructed',
      synced: false,
      wsconnected: false,
      shouldConnect: true,
    })
    expect(alice.provider.doc).toBe(alice.doc)
    expect(alice.provider.awareness.doc).toBe(alice.doc)
    await synced(alice)
    expect(alice.provider).toMatchObject({ synced: true, wsconnected: true, wsconnecting: false })
  })

  test('slashes at the end of the URL do not matter', async () => {
    const wire = new Wire()
    const doc = new Y.Doc()
    const options = { disableBc: true, WebSocketPolyfill: wire.WebSocket, ...field.options }
    const provider = new field.Provider(`${field.url}//`, 'slashes', doc, options)
    members.push({ doc, text: doc.getText('text'), provider, wire, events: [] })
    const bob = await joined('slashes')
    bob.text.insert(0, 'same room')
    await untilText(doc, 'same room')
  })

  test('with connect: false nothing happens before connect()', async () => {
    const alice = join('later', { connect: false })
    await settle()
    expect(alice.wire.sockets).toEqual([])
    expect(alice.events).toEqual([])
    expect(alice.provider.shouldConnect).toBe(false)
    alice.provider.connect()
    await synced(alice)
    expect(alice.provider.shouldConnect).toBe(true)
  })

  test('the events of a connection come in the known order with the known arguments', async () => {
    const alice = join('events', { connect: false })
    alice.provider.connect()
    await synced(alice)
    alice.provider.disconnect()
    expect(alice.events.filter(([event]) => event !== 'sync' && event !== 'synced')).toEqual([
      ['status', { status: 'connecting' }],
      ['status', { status: 'connected' }],
      ['connection-close', null],
      ['status', { status: 'disconnected' }],
    ])
    expect(named(alice, 'sync')).toEqual([true, false])
    expect(named(alice, 'synced')).toEqual([true, false])
    const order = alice.events.map(([event, argument]) => `${event} ${JSON.stringify(argument)}`)
    expect(order.indexOf('status {"status":"connected"}')).toBeLessThan(order.indexOf('sync true'))
  })

  test('connection-close and closed hand the provider to the listener as their second argument', async () => {
    const alice = await joined('arguments')
    const closed = until<unknown[]>(alice.provider as never, 'connection-close')
    alice.provider.disconnect()
    expect((await closed)[1]).toBe(alice.provider)
  })

  test('once and off do what they say', async () => {
    const alice = join('listeners', { connect: false })
    const heard: string[] = []
    const always = (): void => void heard.push('always')
    alice.provider.on('sync', always)
    alice.provider.once('sync', () => void heard.push('once'))
    alice.provider.connect()
    await synced(alice)
    alice.provider.disconnect()
    alice.provider.off('sync', always)
    alice.provider.connect()
    await synced(alice)
    expect(heard).toEqual(['always', 'once', 'always'])
  })

  test('two people type at the same time and end with the same text', async () => {
    const alice = await joined('typing')
    const bob = await joined('typing')
    for (const letter of 'alice') alice.text.insert(alice.text.length, letter)
    for (const letter of 'bob') bob.text.insert(bob.text.length, letter)
    const both = (member: Member) => (): boolean => member.text.length === 'alicebob'.length
    await untilTrue(alice.doc as never, 'update', both(alice))
    await untilTrue(bob.doc as never, 'update', both(bob))
    expect(alice.text.toString()).toBe(bob.text.toString())
  })

  test('deletes travel as well as inserts', async () => {
    const alice = await joined('deletes')
    const bob = await joined('deletes')
    alice.text.insert(0, 'a small 🐤 bird')
    await untilText(bob.doc, 'a small 🐤 bird')
    bob.text.delete(2, 6)
    await untilText(alice.doc, 'a 🐤 bird')
  })

  test('every shared type arrives: map, array, XML and formatted text', async () => {
    const alice = await joined('types')
    const bob = await joined('types')
    alice.doc.transact(() => {
      alice.doc.getMap('map').set('key', { deep: [1, 2, 3] })
      alice.doc.getArray('array').push(['one', 2, null, true])
      alice.doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')])
      alice.doc.getText('rich').insert(0, 'bold', { bold: true })
    })
    await untilTrue(bob.doc as never, 'update', () => bob.doc.getText('rich').length === 4)
    expect(bob.doc.getMap('map').toJSON()).toEqual({ key: { deep: [1, 2, 3] } })
    expect(bob.doc.getArray('array').toJSON()).toEqual(['one', 2, null, true])
    expect(bob.doc.getXmlFragment('xml').toString()).toBe('<p></p>')
    expect(bob.doc.getText('rich').toDelta()).toEqual([{ insert: 'bold', attributes: { bold: true } }])
  })

  test('who comes late has everything at the moment sync(true) fires', async () => {
    const alice = await joined('late')
    const bob = await joined('late')
    alice.text.insert(0, 'written before you came')
    await untilText(bob.doc, 'written before you came')
    const carol = join('late')
    let atSync = ''
    carol.provider.once('sync', () => {
      atSync = carol.text.toString()
    })
    await synced(carol)
    expect(atSync).toBe('written before you came')
  })

  test('what the document held before it had a provider reaches the others', async () => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'older than the provider')
    await joined('older', {}, doc)
    const bob = await joined('older')
    await untilText(bob.doc, 'older than the provider')
  })

  test('an edit made offline arrives after reconnecting, exactly once', async () => {
    const alice = await joined('offline')
    const bob = await joined('offline')
    alice.text.insert(0, 'online.')
    await untilText(bob.doc, 'online.')
    alice.provider.disconnect()
    alice.text.insert(7, ' offline.')
    alice.provider.connect()
    await untilText(bob.doc, 'online. offline.')
    await synced(alice)
    const carol = await joined('offline')
    await untilText(carol.doc, 'online. offline.')
    expect(alice.text.toString()).toBe('online. offline.')
  })

  test('two people who were both offline merge when they are back', async () => {
    const alice = await joined('both offline')
    const bob = await joined('both offline')
    alice.text.insert(0, 'x')
    await untilText(bob.doc, 'x')
    alice.provider.disconnect()
    bob.provider.disconnect()
    alice.text.insert(0, 'left ')
    bob.text.insert(1, ' right')
    alice.provider.connect()
    bob.provider.connect()
    await untilText(alice.doc, 'left x right')
    await untilText(bob.doc, 'left x right')
  })

  test('a lost connection comes back by itself, with what was typed meanwhile', async () => {
    const alice = await joined('lost')
    const bob = await joined('lost')
    const back = until(alice.provider as never, 'sync', (isSynced) => isSynced === true)
    alice.wire.cut()
    alice.text.insert(0, 'typed in a tunnel')
    await back
    await untilText(bob.doc, 'typed in a tunnel')
    const statuses = named(alice, 'status').map((each) => (each as { status: string }).status)
    expect(statuses.slice(statuses.indexOf('connected'))).toEqual([
      'connected',
      'disconnected',
      'connecting',
      'connected',
    ])
    expect(named(alice, 'sync')).toEqual([true, false, true])
    expect(named(alice, 'connection-close')[0]).not.toBeNull()
  })

  test('while nothing can be reached it goes on trying, and says connection-error', async () => {
    const alice = join('unreachable', { connect: false })
    alice.wire.unplug()
    const failed = until(alice.provider as never, 'connection-error')
    const again = untilTrue(
      alice.provider as never,
      'connection-error',
      () => named(alice, 'connection-error').length >= 2,
    )
    alice.provider.connect()
    await failed
    await again
    alice.wire.plug()
    await synced(alice)
  })

  test('closed by the server with 4403: it stays closed and says so; connect() tries again', async () => {
    const alice = await joined('kicked')
    const closed = until<[{ code: number; reason: string }]>(alice.provider as never, 'closed')
    alice.wire.closeFromRelay(4403, 'revoked')
    expect((await closed)[0]).toMatchObject({ code: 4403, reason: 'revoked' })
    expect(alice.provider).toMatchObject({ shouldConnect: false, wsconnected: false, synced: false })
    await settle()
    expect(alice.wire.sockets).toHaveLength(1)
    alice.provider.connect()
    await synced(alice)
  })

  test('closed by the server with 4503: it comes back', async () => {
    const alice = await joined('drained')
    const back = until(alice.provider as never, 'sync', (isSynced) => isSynced === true)
    alice.wire.closeFromRelay(4503, 'draining')
    await back
    expect(named(alice, 'closed')).toEqual([])
  })

  test('shouldReconnect decides instead of the code', async () => {
    const alice = await joined('decided', { shouldReconnect: (event) => event.code === 4403 })
    const back = until(alice.provider as never, 'sync', (isSynced) => isSynced === true)
    alice.wire.closeFromRelay(4403)
    await back
    const closed = until(alice.provider as never, 'closed')
    alice.wire.closeFromRelay(4503)
    await closed
    expect(alice.provider.shouldConnect).toBe(false)
  })

  test('awareness: a state appears at the others, changes, and goes with disconnect()', async () => {
    const alice = await joined('awareness')
    const bob = await joined('awareness')
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    await untilNames(bob, ['Alice'])
    alice.provider.awareness.setLocalStateField('name', 'Alice B.')
    await untilNames(bob, ['Alice B.'])
    alice.provider.disconnect()
    await untilNames(bob, [])
  })

  test('awareness: who comes late sees who is there', async () => {
    const alice = await joined('who is there')
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    const bob = await joined('who is there')
    bob.provider.awareness.setLocalState({ name: 'Bob' })
    await untilNames(bob, ['Alice', 'Bob'])
    await untilNames(alice, ['Alice', 'Bob'])
  })

  test('awareness: a state taken back disappears without a disconnect', async () => {
    const alice = await joined('taken back')
    const bob = await joined('taken back')
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    await untilNames(bob, ['Alice'])
    alice.provider.awareness.setLocalState(null)
    await untilNames(bob, [])
  })

  test('awareness: a state set while offline is there after connecting', async () => {
    const bob = await joined('set offline')
    const alice = join('set offline', { connect: false })
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    alice.provider.connect()
    await untilNames(bob, ['Alice'])
  })

  test('awareness: when my connection is gone, the others are gone from my view, and I am not', async () => {
    const alice = await joined('my view')
    const bob = await joined('my view')
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    bob.provider.awareness.setLocalState({ name: 'Bob' })
    await untilNames(alice, ['Alice', 'Bob'])
    alice.provider.disconnect()
    expect(names(alice)).toEqual(['Alice'])
    alice.provider.connect()
    await synced(alice)
    // y-websocket shows those who were there before only when they next change something, or after 15 s.
    alice.provider.awareness.setLocalStateField('name', 'Alice, back')
    await untilNames(bob, ['Alice, back', 'Bob'])
    bob.provider.awareness.setLocalStateField('name', 'Bob, still here')
    await untilNames(alice, ['Alice, back', 'Bob, still here'])
  })

  test('awareness: a connection that breaks takes its state with it', async () => {
    const alice = await joined('broken')
    const bob = await joined('broken')
    alice.provider.awareness.setLocalState({ name: 'Alice' })
    await untilNames(bob, ['Alice'])
    alice.wire.unplug()
    await untilNames(bob, [])
  })

  test('awareness: the one given is used', async () => {
    const doc = new Y.Doc()
    const awareness = new Awareness(doc)
    const alice = await joined('given', { awareness }, doc)
    expect(alice.provider.awareness).toBe(awareness)
    awareness.setLocalState({ name: 'Alice' })
    const bob = await joined('given')
    await untilNames(bob, ['Alice'])
  })

  test('the provider is the origin of what comes from others, so undo touches only what is mine', async () => {
    const alice = await joined('undo')
    const bob = await joined('undo')
    const undo = new Y.UndoManager(alice.text)
    alice.text.insert(0, 'mine')
    await untilText(bob.doc, 'mine')
    const origin = until<[Uint8Array, unknown]>(alice.doc, 'update')
    bob.text.insert(4, ' and yours')
    expect((await origin)[1]).toBe(alice.provider)
    await untilText(alice.doc, 'mine and yours')
    undo.undo()
    await untilText(bob.doc, ' and yours')
  })

  test('rooms do not hear of each other', async () => {
    const alice = await joined('one room')
    const bob = await joined('another room')
    alice.text.insert(0, 'here')
    bob.text.insert(0, 'there')
    const carol = await joined('one room')
    await untilText(carol.doc, 'here')
    expect(bob.text.toString()).toBe('there')
  })

  test('after destroy() nothing is sent, nothing is heard, and the document goes on', async () => {
    const alice = await joined('destroyed')
    const bob = await joined('destroyed')
    alice.text.insert(0, 'before')
    await untilText(bob.doc, 'before')
    alice.provider.destroy()
    const eventsBefore = alice.events.length
    alice.text.insert(6, ' after')
    bob.text.insert(0, 'still ')
    const carol = await joined('destroyed')
    await untilText(carol.doc, 'still before')
    expect(alice.text.toString()).toBe('before after')
    expect(alice.events.length).toBe(eventsBefore)
    expect(alice.wire.openSockets).toEqual([])
  })

  test('connect, disconnect, connect in one breath leaves one socket', async () => {
    const alice = join('strict mode', { connect: false })
    alice.provider.connect()
    alice.provider.disconnect()
    alice.provider.connect()
    await synced(alice)
    await settle()
    expect(alice.wire.openSockets).toHaveLength(1)
  })
})
