import type { Access } from '@y-sealed/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { RelayConnection } from 'y-sealed'
import { patiently, until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Wire } from '../support/wire.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World

afterEach(() => world.close())

/** A relay whose tokens are names of what they allow, and whose clock a test moves. */
async function start() {
  const clock = new FakeClock(Date.now())
  const allowed: Record<string, Access> = {}
  world = await startWorld({
    relayClock: clock,
    // Time is moved in large steps: nobody is given up for that.
    relayLimits: { silenceMs: 1e9, heartbeatMs: 1e9, heartbeatAfterChangeMs: 1e9, sweepMs: 1e9 },
    auth: async (token) => allowed[token] ?? null,
  })
  return {
    clock,
    allow(token: string, role: Access['role'], lifeMs?: number) {
      allowed[token] = { subject: token, role, ...(lifeMs !== undefined && { endsAtUnixMs: clock.now() + lifeMs }) }
      return token
    },
    forbid: (token: string) => void delete allowed[token],
  }
}

async function textAs(token: string, room = 'room'): Promise<string> {
  const reader = await world.joined('somebody else', { token, room })
  const text = reader.text.toString()
  reader.provider.destroy()
  return text
}

describe('a token that ends', () => {
  it('is replaced within the session by what the function answers next, and nobody notices', async () => {
    const { clock, allow } = await start()
    let asked = 0
    const token = async () => allow(`token ${++asked}`, 'write', 600_000)
    const ann = await world.joined('ann', { token, unsafeClock: clock })
    const statuses: string[] = []
    ann.provider.on('status', ({ status }) => void statuses.push(status))
    for (let minute = 0; minute < 60; minute++) {
      ann.text.insert(0, 'x')
      await clock.advance(60_000)
      await ann.provider.flush()
    }
    const said = world.capture.messages('up').map(({ type }) => type)
    // Every 450 s of an hour.
    expect(asked).toBe(1 + 8)
    expect(said.filter((type) => type === 'refresh')).toHaveLength(8)
    expect(said.filter((type) => type === 'join')).toHaveLength(1)
    expect(statuses).toEqual([])
  })

  it('of a tab that slept through it: the next session has another token, and what was typed meanwhile arrives', async () => {
    const { clock, allow, forbid } = await start()
    const asleep = new FakeClock(clock.now())
    let current = allow('first', 'write', 600_000)
    const ann = await world.joined('ann', { token: () => current, unsafeClock: asleep })
    const away = until(ann.provider, 'status')
    await clock.advance(660_000)
    expect(await away).toEqual([{ status: 'disconnected' }])
    forbid('first')
    current = allow('second', 'write')
    ann.text.insert(0, 'typed in between')
    await asleep.advance(60_000)
    await patiently(ann.provider.flush(), 'what was typed to arrive')
    expect(await textAs('second')).toBe('typed in between')
  })

  it('ends one document of a shared socket; the others go on, and the text stays', async () => {
    const { clock, allow } = await start()
    const connection = new RelayConnection(world.relayUrl, { WebSocketPolyfill: new Wire(world.capture).WebSocket })
    const expects = ['authentication-failed']
    const one = await world.joined('one', { room: 'one', connection, token: allow('short', 'write', 60_000), expects })
    const two = await world.joined('two', { room: 'two', connection, token: allow('endless', 'write') })
    one.text.insert(0, 'before')
    await one.provider.flush()
    const failed = until(one.provider, 'authentication-failed')
    const closed = until(one.provider, 'closed')
    await clock.advance(120_000)
    await failed
    expect((await closed)[0]).toMatchObject({ code: 4401 })
    one.text.insert(6, ' and after')
    expect(one.provider.hasUnsyncedChanges).toBe(true)
    two.text.insert(0, 'as if nothing had happened')
    await two.provider.flush()
    expect(await textAs('endless', 'two')).toBe('as if nothing had happened')
    expect(await textAs('endless', 'one')).toBe('before')
    expect(one.text.toString()).toBe('before and after')
    connection.destroy()
  })

  it('a function that fails is asked again before the end, and told of once; then the session ends as its token does', async () => {
    const { clock, allow } = await start()
    let asked = 0
    const token = () => {
      if (asked++ > 0) throw new TypeError('no network')
      return allow('first', 'write', 100_000)
    }
    const ann = await world.joined('ann', { token, unsafeClock: clock, expects: ['authentication-failed'] })
    for (let second = 0; second < 99; second++) await clock.advance(1_000)
    // After 75, 93.75 and 98.75 s: ever sooner, but never at once.
    expect(asked).toBe(1 + 3)
    expect(ann.provider.wsconnected).toBe(true)
    expect(ann.problems.map(({ code, where }) => [code, where])).toEqual([['authentication-failed', 'token']])
    const away = until(ann.provider, 'status')
    await clock.advance(61_000)
    expect(await away).toEqual([{ status: 'disconnected' }])
  })

  it('the same token again and again is no way to keep the relay busy', async () => {
    const { clock, allow } = await start()
    allow('only', 'write', 100_000)
    const ann = world.person('ann', { token: () => 'only', unsafeClock: clock, expects: ['authentication-failed'] })
    await patiently(ann.provider.whenSynced, 'ann to be synced')
    for (let second = 0; second < 160; second++) await clock.advance(1_000)
    const refreshes = world.capture.messages('up').filter(({ type }) => type === 'refresh')
    // At 75, 93.75, 98.75 s, and every 5 s of the minute that is forgiven.
    expect(refreshes.length).toBeLessThan(18)
  })
})

describe('a role that changes with the token', () => {
  it('who becomes a reader is told at the next edit, which stays; who becomes a writer again sends it', async () => {
    const { clock, allow } = await start()
    let role: Access['role'] = 'write'
    let asked = 0
    const token = () => allow(`token ${++asked}`, role, 100_000)
    const ann = await world.joined('ann', { token, unsafeClock: clock, expects: ['write-denied'] })
    ann.text.insert(0, 'allowed')
    await ann.provider.flush()
    role = 'read'
    const again = until(ann.provider, 'sync', (isSynced) => isSynced === true)
    for (let second = 0; second < 80; second++) await clock.advance(1_000)
    await again
    expect(ann.provider.canWrite).toBe(false)
    const denied = until(ann.provider, 'write-denied')
    ann.text.insert(7, ' and not')
    await denied
    expect(ann.provider.hasUnsyncedChanges).toBe(true)
    await expect(ann.provider.flush()).rejects.toMatchObject({ code: 'write-denied' })
    expect(await textAs(allow('reader', 'read'))).toBe('allowed')
    role = 'write'
    for (let second = 0; second < 160; second++) await clock.advance(1_000)
    await patiently(ann.provider.flush(), 'the edit to arrive')
    const bob = await world.joined('bob', { token: 'reader' })
    await untilText(bob.doc, 'allowed and not')
  })
})
