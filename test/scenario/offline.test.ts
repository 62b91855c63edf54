import { afterEach, describe, expect, it, vi } from 'vitest'
import { KeyError, type KeySource, SealedProvider, staticKey } from 'y-sealed'
import { sealedIndexedDB } from 'y-sealed/indexeddb'
import * as Y from 'yjs'
import { copyDevice, databaseNames, emptyDevice } from '../support/device.ts'
import { until, untilText } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keeping, loaded, stored } from '../support/keeping.ts'
import { Wire } from '../support/wire.ts'
import { startWorld, type World } from '../support/world.ts'

const device = keeping()
afterEach(emptyDevice)

/** Alice writes a word, and leaves it at the relay and on her device. */
async function leaveKept(world: World, persistence: ReturnType<typeof keeping>): Promise<void> {
  const alice = await world.joined('alice', { persistence })
  alice.text.insert(0, 'kept')
  await alice.provider.flush()
  await stored(alice)
  await persistence.leave(alice)
}

describe('a document that is kept on the device', () => {
  it('is there again before the relay is, and what was typed offline arrives exactly once', async () => {
    const world = await startWorld()
    const secret = world.canary('kept')
    const alice = await world.joined('alice', { persistence: device })
    alice.text.insert(0, secret)
    await alice.provider.flush()
    alice.wire.unplug()
    alice.text.insert(0, 'offline: ')
    await stored(alice)
    const { unsyncedSince } = alice.provider
    await device.leave(alice)

    const again = world.person('alice again', { persistence: device })
    again.wire.unplug()
    await loaded(again)
    expect(again.text.toString()).toBe(`offline: ${secret}`)
    expect(again.provider.hasUnsyncedChanges).toBe(true)
    expect(again.provider.unsyncedSince).toBe(unsyncedSince)
    const bob = await world.joined('bob')
    again.wire.calm()
    await untilText(bob.doc, `offline: ${secret}`)
    await again.provider.flush()
    expect(again.provider.unsyncedSince).toBeUndefined()
    await device.leave(again)

    const entries = (await world.log()).length
    const third = await world.joined('alice, a third time', { persistence: device })
    expect(third.text.toString()).toBe(`offline: ${secret}`)
    expect(third.provider.hasUnsyncedChanges).toBe(false)
    expect((await world.log()).length).toBe(entries)
    await world.close()
  })

  it('keeps what was in the document before there was a provider: an import that never got on the line', async () => {
    const world = await startWorld()
    const unlocked = keeping({ offlineUnlock: true })
    await leaveKept(world, unlocked)

    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'imported, ')
    const train = world.person('alice on a train', { doc, persistence: unlocked })
    train.wire.unplug()
    expect(train.provider.hasUnsyncedChanges).toBe(true)
    await loaded(train)
    await stored(train)
    await unlocked.leave(train)

    const home = await world.joined('alice at home', { persistence: unlocked })
    await home.provider.flush()
    expect(['imported, kept', 'keptimported, ']).toContain(home.text.toString())
    expect(await world.freshText()).toBe(home.text.toString())
    await unlocked.leave(home)

    // What the log has already is not said again, whoever brings it.
    const entries = (await world.log()).length
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(home.doc))
    const again = await world.joined('alice with a copy of her own', { doc: copy, persistence: unlocked })
    await again.provider.flush()
    await stored(again)
    expect(again.provider.hasUnsyncedChanges).toBe(false)
    expect((await world.log()).length).toBe(entries)
    await unlocked.leave(again)

    // Nor is what an earlier provider brought this user's own.
    const next = world.person('alice, mounted again', { doc: copy, persistence: unlocked })
    next.wire.unplug()
    await loaded(next)
    expect(next.provider.hasUnsyncedChanges).toBe(false)
    await unlocked.leave(next)
    await world.close()
  })

  it('opens without the endpoint where that was asked for, and only there', async () => {
    const world = await startWorld()
    const unlocked = keeping({ offlineUnlock: true })
    await leaveKept(world, unlocked)

    const nobody: KeySource = () => Promise.reject(new KeyError('key-unavailable', 'on a train'))
    const again = world.person('alice on a train', {
      persistence: unlocked,
      keys: nobody,
      expects: ['key-unavailable'],
    })
    again.wire.unplug()
    await loaded(again)
    expect(again.text.toString()).toBe('kept')
    again.text.insert(4, ' and typed in a tunnel')
    await stored(again)
    await unlocked.leave(again)

    // Opted out again: the browser's key is gone, and the endpoint is asked.
    const careful = world.person('careful', {
      persistence: device,
      keys: nobody,
      expects: ['key-unavailable'],
    })
    careful.wire.unplug()
    await until(careful.provider, 'key-unavailable')
    expect(careful.text.toString()).toBe('')
    careful.provider.destroy()

    const home = await world.joined('alice at home', { persistence: unlocked })
    expect(home.text.toString()).toBe('kept and typed in a tunnel')
    await home.provider.flush()
    await unlocked.leave(home)
    // Opted in again: the next train.
    const train = world.person('alice on the next train', {
      persistence: unlocked,
      keys: nobody,
      expects: ['key-unavailable'],
    })
    train.wire.unplug()
    await loaded(train)
    expect(train.text.toString()).toBe('kept and typed in a tunnel')
    expect(await world.freshText()).toBe('kept and typed in a tunnel')
    await world.close()
  })

  it('goes on where it stood: what was read before is not read again', async () => {
    const world = await startWorld()
    const alice = await world.joined('alice', { persistence: device })
    for (const word of ['one ', 'two ', 'three ']) {
      alice.text.insert(alice.text.length, word)
      await alice.provider.flush()
    }
    await device.leave(alice)
    const bob = await world.joined('bob')
    bob.text.insert(bob.text.length, 'four')
    await bob.provider.flush()

    const again = await world.joined('alice again', { persistence: device })
    expect(again.text.toString()).toBe('one two three four')
    expect(again.provider.freshness).toBe('endpoint')
    const joins = world.capture.messages('up').filter((message) => message.type === 'join')
    expect(joins.map(({ cursor }) => cursor)).toEqual([0, 0, 3])
    // What Alice had seen, and what Bob wrote.
    expect(again.provider.counters.opened).toBe(2)
    await world.close()
  })

  it('goes on under a key that came while it was away, and sends what was typed before under that', async () => {
    const world = await startWorld()
    const alice = await world.joined('alice', { persistence: device })
    const bob = await world.joined('bob')
    alice.text.insert(0, 'before, ')
    await alice.provider.flush()
    alice.wire.unplug()
    alice.text.insert(8, 'offline')
    await stored(alice)
    await device.leave(alice)
    await bob.provider.rotateKey()
    bob.text.insert(0, 'after: ')
    await bob.provider.flush()

    const again = await world.joined('alice again', { persistence: device })
    await again.provider.flush()
    expect(again.provider.epoch?.index).toBe(1)
    await untilText(bob.doc, again.text.toString())
    expect(again.text.toString()).toBe('after: before, offline')
    await device.leave(again)

    // And the copy is of the new epoch: behind it stands what Alice had seen when she left.
    const third = await world.joined('alice, a third time', { persistence: device })
    expect(third.text.toString()).toBe('after: before, offline')
    expect(third.provider.counters.opened).toBe(1)
    await world.close()
  })

  it('is written row by row, and joined before there are many', async () => {
    const world = await startWorld()
    const clock = new FakeClock()
    const alice = await world.joined('alice', { persistence: device, unsafeClock: clock })
    alice.wire.unplug()
    for (let i = 0; i < 1_100; i++) {
      alice.text.insert(alice.text.length, 'x')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stored(alice)
    const [name = ''] = await databaseNames()
    const rows = (await copyDevice()).get(name)?.get('outbox')?.length ?? 0
    expect(rows).toBeGreaterThan(0)
    // 32 of each size, and what is new.
    expect(rows).toBeLessThan(97)
    await device.leave(alice)
    const again = await world.joined('alice again', { persistence: device })
    await again.provider.flush()
    expect(again.text.toString()).toBe('x'.repeat(1_100))
    await world.close()
  })

  it('wipeLocal() leaves nothing on the device, in no tab', async () => {
    const world = await startWorld()
    const [alice, tab] = await Promise.all([
      world.joined('alice', { persistence: device }),
      world.joined('another tab', { persistence: device, expects: ['storage'] }),
    ])
    alice.wire.unplug()
    alice.text.insert(0, 'nobody has it but this page')
    await stored(alice)
    const gone = until(tab.provider, 'storage')
    await alice.provider.wipeLocal()
    await gone
    expect(await databaseNames()).toEqual([])
    alice.text.insert(0, 'and it is kept in no store, ')
    expect(alice.provider.storedLocally).toBe(false)
    alice.wire.plug()
    await alice.provider.flush()
    expect(await databaseNames()).toEqual([])
    await world.close()
  })

  it('is for browsers: elsewhere the provider says so when it is made', () => {
    vi.stubGlobal('indexedDB', undefined)
    const make = () =>
      new SealedProvider('ws://127.0.0.1:1', 'room', new Y.Doc(), {
        keys: staticKey('a-key-that-nobody-guesses-0123456789'),
        persistence: device,
        connect: false,
        WebSocketPolyfill: new Wire().WebSocket,
      })
    expect(make).toThrow(expect.objectContaining({ code: 'unsupported' }))
    vi.unstubAllGlobals()
    // @ts-expect-error there is no such option
    expect(() => sealedIndexedDB({ offlineUnlok: true })).toThrow(/offlineUnlok/)
  })
})
