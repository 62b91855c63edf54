import type { Up } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KeySource, RelayConnection } from 'y-sealed'
import { patiently, until, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { Wire } from '../support/wire.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// Several documents on one socket: what becomes of one of them is nothing to the others.

let world: World
let wire: Wire
let clock: FakeClock
let connection: RelayConnection
beforeEach(async () => {
  world = await startWorld()
  wire = new Wire(world.capture)
  clock = new FakeClock(Date.now())
  connection = new RelayConnection(world.relayUrl, { WebSocketPolyfill: wire.WebSocket, unsafeClock: clock })
})
afterEach(async () => {
  connection.destroy()
  await world.close()
})

const said = (): Up[] => wire.sockets.flatMap((socket) => world.capture.messages('up', socket.connection))
/** The rooms that were joined since so many messages. */
const joined = (since = 0): string[] =>
  said()
    .slice(since)
    .flatMap((message) => (message.type === 'join' ? [message.room] : []))

const person = (room: string, options: Parameters<World['person']>[1] = {}): Person =>
  world.person(room, { room, connection, unsafeClock: clock, ...options })

async function synced(room: string, options: Parameters<World['person']>[1] = {}): Promise<Person> {
  const one = person(room, options)
  await patiently(one.provider.whenSynced, `${room} to be synced`)
  return one
}

const nextSync = ({ provider, name }: Person): Promise<unknown> =>
  until(provider, 'sync', (isSynced) => isSynced === true, `${name} to be synced again`)

/** The socket breaks and comes back, and with it the room that is wanted. */
async function reconnect(wanted: Person): Promise<void> {
  const closed = until(connection, 'connection-close')
  const back = nextSync(wanted)
  wire.cut()
  await closed
  await clock.advance(3_000)
  await back
  // Whoever else would join has had the time to.
  await clock.advance(60_000)
}

async function expectWorks(one: Person, text: string): Promise<void> {
  one.text.insert(0, text)
  await patiently(one.provider.flush(), `${one.name} to be durable`)
  expect(await world.freshText(one.name)).toBe(one.text.toString())
}

describe('who joins when a shared socket opens', () => {
  test('a provider with connect: false does not, before connect() is called', async () => {
    const quiet = person('quiet', { connect: false })
    const open = await synced('open')
    await reconnect(open)
    expect(joined()).toEqual(['open', 'open'])
    expect(quiet.provider.wsconnected).toBe(false)
    quiet.provider.connect()
    await patiently(quiet.provider.whenSynced, 'quiet to be synced')
    expect(joined()).toEqual(['open', 'open', 'quiet'])
    await expectWorks(quiet, 'q')
  })

  test('a provider that was disconnected does not, before connect() is called again', async () => {
    const open = await synced('open')
    const left = await synced('left')
    left.provider.disconnect()
    left.text.insert(0, 'offline')
    const since = said().length
    await reconnect(open)
    expect(joined(since)).toEqual(['open'])
    expect(left.provider.wsconnected).toBe(false)
    const back = nextSync(left)
    left.provider.connect()
    await back
    await patiently(left.provider.flush(), 'what was typed offline')
    expect(await world.freshText('left')).toBe('offline')
  })

  test('a provider that was destroyed does not', async () => {
    const open = await synced('open')
    const gone = await synced('gone')
    gone.provider.destroy()
    const since = said().length
    await reconnect(open)
    expect(joined(since)).toEqual(['open'])
  })

  test('a room that the relay has ended with 4403 does not, before connect() is called again', async () => {
    const open = await synced('open')
    const revoked = await synced('revoked', { expects: ['session-revoked'] })
    const channel = said()
      .flatMap((message) => (message.type === 'join' ? [message] : []))
      .at(-1)?.channel as number
    const closed = until(revoked.provider, 'closed')
    wire.openSockets[0]?.deliver([{ type: 'closed', channel, code: 4403, reason: 'revoked' }])
    await closed
    expect(open.provider.synced).toBe(true)
    const since = said().length
    await reconnect(open)
    expect(joined(since)).toEqual(['open'])
    expect(revoked.provider.wsconnected).toBe(false)
    const back = nextSync(revoked)
    revoked.provider.connect()
    await back
    await expectWorks(revoked, 'access again')
  })

  test('a provider without keys does not, nor does it open the socket', async () => {
    const locked = person('locked', { keys: undefined as unknown as KeySource, expects: ['key-missing'] })
    await settle()
    expect(wire.sockets).toEqual([])
    const open = await synced('open')
    await reconnect(open)
    expect(joined()).toEqual(['open', 'open'])
    expect(locked.problems.map(({ code }) => code)).toEqual(['key-missing'])
  })

  test('the socket closes when the last one that wants it goes, and not before', async () => {
    const one = await synced('one')
    const two = await synced('two')
    one.provider.disconnect()
    await settle()
    expect(wire.openSockets).toHaveLength(1)
    await expectWorks(two, 'still here')
    two.provider.disconnect()
    await settle()
    expect(wire.openSockets).toEqual([])
  })
})

describe('one document of several is in trouble', () => {
  test('its token can never be had: the others stay synced on the one socket, and it is asked for with back-off', async () => {
    const good = await synced('good')
    let syncs = 0
    good.provider.on('sync', () => syncs++)
    let asked = 0
    const token = async (): Promise<string> => {
      asked++
      throw new Error('the session has expired')
    }
    const bad = person('bad', { token, expects: ['authentication-failed'] })
    for (let second = 0; second < 600; second++) await clock.advance(1_000)
    expect(wire.sockets).toHaveLength(1)
    expect(syncs).toBe(0)
    expect(good.provider.synced).toBe(true)
    await expectWorks(good, 'undisturbed')
    expect(bad.problems.map(({ code }) => code)).toEqual(['authentication-failed'])
    expect(bad.problems[0]?.message).not.toContain('expired')
    expect(joined()).toEqual(['good'])
    // Doubling from 0.1 s to 30 s: some forty times in ten minutes.
    expect(asked).toBeGreaterThan(10)
    expect(asked).toBeLessThan(60)
  })

  test('its token comes at last: it joins, and nobody noticed', async () => {
    const good = await synced('good')
    let asked = 0
    const token = async (): Promise<string> => {
      if (asked++ < 5) throw new Error('not yet')
      return 'token'
    }
    const late = person('late', { token, expects: ['authentication-failed'] })
    for (let second = 0; second < 60; second++) await clock.advance(1_000)
    await patiently(late.provider.whenSynced, 'late to be synced')
    expect(wire.sockets).toHaveLength(1)
    await expectWorks(late, 'here')
    await expectWorks(good, 'undisturbed')
  })

  test('its relay breaks its word there: it joins anew on a channel of its own, and the socket goes on', async () => {
    const good = await synced('good')
    const bad = await synced('bad', { expects: ['relay-fault'] })
    const channel = said()
      .flatMap((message) => (message.type === 'join' ? [message] : []))
      .at(-1)?.channel as number
    const since = said().length
    const back = nextSync(bad)
    wire.openSockets[0]?.deliver([{ type: 'heartbeat', channel, sequence: 0, hash: new Uint8Array(8).fill(0xa5) }])
    await settle()
    await clock.advance(1_000)
    await back
    expect(joined(since)).toEqual(['bad'])
    expect(wire.sockets).toHaveLength(1)
    await expectWorks(bad, 'again')
    await expectWorks(good, 'undisturbed')
  })

  test('its key never comes: the others write and read', async () => {
    const locked = person('locked', { keys: () => new Promise(() => {}), expects: ['key-unavailable'] })
    const good = await synced('good')
    const other = await world.joined('other', { room: 'good' })
    await expectWorks(good, 'undisturbed')
    await untilText(other.doc, 'undisturbed')
    expect(locked.provider.synced).toBe(false)
    expect(wire.sockets).toHaveLength(1)
  })
})
