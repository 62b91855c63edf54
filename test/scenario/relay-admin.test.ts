import type { Access, Relay, RelayOptions } from '@y-sealed/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { patiently, until } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay, onNodes } from '../support/nodes.ts'
import { startWorld } from '../support/world.ts'
import { FakeSealer, fakeRecord, RawClient } from './relay-raw-client.ts'

const ADMIN = 'the operator, and nobody else, has this token'
const QUIET = { info() {}, warn() {}, error() {} }
const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await createRelay({ data: 'memory', port: 0, admin: { token: ADMIN }, log: QUIET, ...options })
  ended.push(() => relay.close())
  return relay
}

/** Whoever joins is who its token says; with `@` the token says when it was made. */
const auth = async (token: string): Promise<Access> => {
  const [subject = '', madeAt] = token.split('@')
  return { subject, role: 'write', ...(madeAt !== undefined && { issuedAtUnixMs: Number(madeAt) }) }
}

async function joined(relay: Relay, token: string, room = 'room'): Promise<RawClient> {
  const client = await RawClient.connect(relay.url)
  ended.push(() => client.end())
  await client.join(room, { token })
  return client
}

async function refusedWith(relay: Relay, token: string, room = 'room'): Promise<number | undefined> {
  const client = await RawClient.connect(relay.url)
  ended.push(() => client.end())
  const answer = await Promise.race([client.join(room, { token }), client.hears('closed')])
  return answer.type === 'closed' ? answer.code : undefined
}

async function act(relay: Relay, name: string, fields: unknown = {}, init: RequestInit = {}) {
  const response = await fetch(`${relay.url.replace('ws:', 'http:')}/admin/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    body: JSON.stringify(fields),
    ...init,
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('the door of the operator', () => {
  it('is not there unless it was asked for', async () => {
    const relay = await createRelay({ data: 'memory', port: 0, log: QUIET })
    ended.push(() => relay.close())
    expect(await act(relay, 'sessions')).toEqual({ status: 404, body: { error: 'not-found' } })
  })

  it('a token that could be guessed is refused at the start', async () => {
    await expect(start({ admin: { token: 'hunter2' } })).rejects.toThrow(TypeError)
  })

  it.each<[string, RequestInit, number]>([
    ['no token', { headers: { 'content-type': 'application/json' } }, 401],
    ['another token', { headers: { authorization: `Bearer ${ADMIN}!`, 'content-type': 'application/json' } }, 401],
    ['a member’s token', { headers: { authorization: 'Bearer ann', 'content-type': 'application/json' } }, 401],
    ['a form of a web page', { headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'text/plain' } }, 415],
    ['another method', { method: 'PUT' }, 405],
    ['no JSON', { body: '{"room": ' }, 400],
    ['a list', { body: '[]' }, 400],
    ['no room', { body: '{}' }, 400],
    ['a room that is no name', { body: '{"room": 7}' }, 400],
    ['a room that is too long', { body: JSON.stringify({ room: 'x'.repeat(1_025) }) }, 400],
    ['a megabyte', { body: JSON.stringify({ room: 'x'.repeat(1_000_000) }) }, 413],
  ])('%s: %o is answered %i, and nothing happens', async (_what, init, status) => {
    const relay = await start({ auth })
    const ann = await joined(relay, 'ann')
    const answer = await act(relay, 'delete', { room: 'room' }, init)
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).not.toContain('room"')
    await ann.pinged()
    expect(ann.heard.some(({ type }) => type === 'closed')).toBe(false)
  })

  it('an act that does not exist is 404, also for one of its own object’s', async () => {
    const relay = await start()
    for (const name of ['', 'close', 'constructor', 'sessions/']) {
      expect((await act(relay, name, { room: 'room' })).status).toBe(404)
    }
  })
})

describe('who is there', () => {
  // What one process counts, or says of its own sessions.
  it.skipIf(onNodes())('is listed, by room or all, without an address', async () => {
    const clock = new FakeClock()
    const relay = await start({ auth, clock })
    const { session } = { session: (await (await joined(relay, 'ann')).hears('joined')).session }
    await joined(relay, 'bob', 'another room')
    expect((await act(relay, 'sessions', { room: 'room' })).body).toEqual({
      total: 1,
      sessions: [
        { ...{ room: 'room', session, subject: 'ann', role: 'write', isObserver: false }, joinedAtUnixMs: clock.now() },
      ],
    })
    expect((await act(relay, 'sessions')).body).toMatchObject({ total: 2 })
  })

  // What one process counts, or says of its own sessions.
  it.skipIf(onNodes())('is closed with 4403: this person’s sessions, and no others; the socket goes on', async () => {
    const relay = await start({ auth })
    const ann = await joined(relay, 'ann')
    await ann.join('another', { channel: 2, token: 'ann' })
    const bob = await joined(relay, 'bob')
    expect((await act(relay, 'close-sessions', { subject: 'ann', room: 'room' })).body).toEqual({ closed: 1 })
    expect(await ann.hears('closed')).toMatchObject({ channel: 1, code: 4403 })
    expect((await act(relay, 'close-sessions', { subject: 'ann' })).body).toEqual({ closed: 1 })
    expect(await ann.hears('closed', ({ channel }) => channel === 2)).toMatchObject({ code: 4403 })
    await ann.pinged()
    await bob.pinged()
    expect(bob.heard.some(({ type }) => type === 'closed')).toBe(false)
  })

  it('does not come back with the token of before, nor refresh to it; with a later one she does', async () => {
    const clock = new FakeClock()
    const relay = await start({ auth, clock })
    const old = `ann@${clock.now() - 1_000}`
    const ann = await joined(relay, old)
    await clock.advance(1_000)
    await relay.closeSessions({ subject: 'ann' })
    expect(await ann.hears('closed')).toMatchObject({ code: 4403 })
    expect(await refusedWith(relay, old)).toBe(4403)
    expect(await refusedWith(relay, 'ann')).toBe(4403)
    await clock.advance(1_000)
    const again = await joined(relay, `ann@${clock.now()}`)
    again.say({ type: 'refresh', channel: 1, token: old })
    expect(await again.hears('closed')).toMatchObject({ code: 4403 })
    // What was made before lives no longer than a day.
    await clock.advance(24 * 60 * 60_000)
    expect(await refusedWith(relay, old)).toBeUndefined()
  })
})

describe('a document that is deleted', () => {
  it('ends its sessions with 4404, and who joins from then on gets the same', async () => {
    const relay = await start({ auth })
    const ann = await joined(relay, 'ann')
    await ann.open(fakeRecord(), [new FakeSealer().seal()])
    const other = await joined(relay, 'ann', 'another')
    expect((await act(relay, 'usage', { room: 'room' })).body).toMatchObject({ entries: 1, records: 1 })
    expect((await act(relay, 'epochs', { room: 'room' })).body).toMatchObject({
      epochs: [{ index: 0, isNeeded: true }],
    })
    expect((await act(relay, 'delete', { room: 'room' })).body).toEqual({ deleted: true })
    expect(await ann.hears('closed')).toMatchObject({ channel: 1, code: 4404 })
    expect(await refusedWith(relay, 'bob')).toBe(4404)
    expect((await act(relay, 'usage', { room: 'room' })).body).toMatchObject({ entries: 0, records: 0 })
    expect((await act(relay, 'delete', { room: 'room' })).body).toEqual({ deleted: false })
    await other.open(fakeRecord())
  })

  it('what is in flight meanwhile is never acked', async () => {
    const relay = await start({ auth })
    const ann = await joined(relay, 'ann')
    await ann.open(fakeRecord())
    const sealer = new FakeSealer()
    const appends = Array.from({ length: 3 }, () => ann.append([sealer.seal()]).catch(() => undefined))
    const isDeleted = relay.deleteDocument('room')
    const joins = Array.from({ length: 5 }, () => refusedWith(relay, 'bob'))
    await isDeleted
    await ann.hears('closed')
    await ann.pinged()
    const stored = await relay.usage('room')
    expect(stored).toMatchObject({ entries: 0, records: 0 })
    // Acked before the deletion, or never.
    const closedAt = ann.heard.findIndex(({ type }) => type === 'closed')
    expect(ann.heard.findLastIndex(({ type }) => type === 'ack')).toBeLessThan(closedAt)
    for (const code of await Promise.all(joins)) expect([4404, undefined]).toContain(code)
    expect((await relay.sessions('room')).length).toBe(0)
    ann.end()
    await Promise.race([Promise.all(appends), ann.closed])
  })

  it('a client keeps its text and what it has not sent, says so once, and nothing of it goes anywhere', async () => {
    const world = await startWorld()
    ended.push(() => world.close())
    const expects = ['document-deleted']
    const ann = await world.joined('ann', { expects })
    const bob = await world.joined('bob', { expects })
    ann.text.insert(0, 'years of work')
    await ann.provider.flush()
    bob.provider.disconnect()
    bob.text.insert(0, 'typed offline, ')
    const deleted = until(ann.provider, 'document-deleted')
    await world.operator.deleteDocument('room')
    await patiently(deleted, 'ann to be told')
    ann.text.insert(0, 'still here: ')
    expect(ann.text.toString()).toBe('still here: years of work')
    expect(ann.provider.hasUnsyncedChanges).toBe(true)
    await expect(ann.provider.flush()).rejects.toMatchObject({ code: 'document-deleted' })
    // Who comes back must not make the document anew, with all that was in it.
    const told = until(bob.provider, 'document-deleted')
    bob.provider.connect()
    await patiently(told, 'bob to be told')
    expect(bob.text.toString()).toContain('typed offline')
    expect(await world.usage()).toMatchObject({ entries: 0, checkpointBytes: 0, historyBytes: 0, records: 0 })
    expect(ann.problems.concat(bob.problems).map(({ code }) => code)).toEqual([...expects, ...expects])
  })
})

describe('what an operator watches', () => {
  // What one process counts, or says of its own sessions.
  it.skipIf(onNodes())('/readyz is for everybody; /metrics for the operator, and only where there is one', async () => {
    const relay = await start()
    const http = relay.url.replace('ws:', 'http:')
    const ready = await fetch(`${http}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', store: true }])
    expect((await fetch(`${http}/metrics`)).status).toBe(401)
    const open = await createRelay({ data: 'memory', port: 0, log: QUIET })
    ended.push(() => open.close())
    const headers = { authorization: `Bearer ${ADMIN}` }
    expect((await fetch(`${open.url.replace('ws:', 'http:')}/metrics`, { headers })).status).toBe(404)
  })

  // What one process counts, or says of its own sessions.
  it.skipIf(onNodes())(
    '/metrics counts connections, sessions, appends, refusals and closes, and names neither rooms nor people',
    async () => {
      const relay = await start({
        auth: async (token) => (token === 'reader' ? { subject: token, role: 'read' } : auth(token)),
      })
      const ann = await joined(relay, 'ann', 'a secret room')
      await ann.open(fakeRecord())
      const sealer = new FakeSealer()
      await ann.append([sealer.seal(), sealer.seal()])
      const reader = await joined(relay, 'reader', 'a secret room')
      await reader.append([sealer.seal()])
      await relay.closeSessions({ subject: 'reader' })
      await reader.hears('closed')
      const gone = await RawClient.connect(relay.url)
      gone.socket.send('no frame')
      await gone.closed
      const headers = { authorization: `Bearer ${ADMIN}` }
      const text = await (await fetch(`${relay.url.replace('ws:', 'http:')}/metrics`, { headers })).text()
      for (const line of [
        'connections 2',
        'rooms 1',
        'sessions 1',
        'held_bytes 0',
        'appends_total 1',
        'entries_total 2',
        'refusals_total{code="write-denied"} 1',
        'channel_closes_total{code="4403"} 1',
        'connection_closes_total{code="4400"} 1',
        'ack_seconds_bucket{le="+Inf"} 1',
        'ack_seconds_count 1',
        'store_seconds_count{operation="append"} 1',
        'store_seconds_count{operation="open"} 1',
        'deliveries_total 1',
        'delivered_entries_total 2',
      ]) {
        expect(text.split('\n')).toContain(`y_sealed_relay_${line}`)
      }
      for (const bytes of ['received', 'sent']) {
        const [, count] = new RegExp(`^y_sealed_relay_${bytes}_bytes_total (\\d+)$`, 'm').exec(text) ?? []
        expect(Number(count)).toBeGreaterThan(500)
      }
      expect(text).not.toMatch(/secret|\bann\b|\breader\b/)
      // Every family says what it is.
      const families = [...text.matchAll(/^y_sealed_relay_(\w+?)(?:_bucket|_sum|_count)?(?:\{| )/gm)].map(
        ([, name]) => name,
      )
      for (const family of new Set(families)) expect(text).toContain(`# TYPE y_sealed_relay_${family} `)
    },
  )
})
