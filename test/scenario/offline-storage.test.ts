import { afterEach, describe, expect, it, vi } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { bytesIn, copyDevice, databaseNames, emptyDevice, restoreDevice } from '../support/device.ts'
import { patiently, until } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keeping, loaded, stored } from '../support/keeping.ts'
import { startWorld } from '../support/world.ts'

const device = keeping()

afterEach(async () => {
  vi.restoreAllMocks()
  await emptyDevice()
})

const isFull = (): never => {
  throw new DOMException('the disk is full', 'QuotaExceededError')
}

describe('a device without room', () => {
  it('costs nothing but the copy: told once, text goes on to the relay, and is kept again as soon as there is room', async () => {
    const world = await startWorld()
    const alice = await world.joined('alice', { persistence: device, expects: ['storage'] })
    await stored(alice)
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(isFull)
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(isFull)
    for (const word of ['one ', 'two ', 'three ']) {
      const told = word === 'one ' ? until(alice.provider, 'storage') : undefined
      alice.text.insert(alice.text.length, word)
      await told
      await alice.provider.flush()
    }
    expect(alice.problems.map(({ code }) => code)).toEqual(['storage'])
    expect(await world.freshText()).toBe('one two three ')
    alice.wire.unplug()
    alice.text.insert(alice.text.length, 'four')
    expect(alice.provider.storedLocally).toBe(false)
    add.mockRestore()
    put.mockRestore()
    alice.text.insert(alice.text.length, ' and five')
    await stored(alice)
    await device.leave(alice)
    const again = await world.joined('alice again', { persistence: device })
    await again.provider.flush()
    expect(await world.freshText()).toBe('one two three four and five')
    await world.close()
  })

  it('that has room for what is typed and not for the document keeps what is typed', async () => {
    const world = await startWorld()
    const alice = await world.joined('alice', { persistence: device, expects: ['storage'] })
    await stored(alice)
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(isFull)
    const told = until(alice.provider, 'storage')
    alice.text.insert(0, 'at the relay, ')
    await alice.provider.flush()
    await told
    alice.wire.unplug()
    alice.text.insert(14, 'and here')
    await stored(alice)
    vi.restoreAllMocks()
    await device.leave(alice)
    const again = await world.joined('alice again', { persistence: device })
    await again.provider.flush()
    expect(await world.freshText()).toBe('at the relay, and here')
    await world.close()
  })

  it('that has no IndexedDB to open is told, and the document opens', async () => {
    vi.spyOn(indexedDB, 'open').mockImplementation(isFull)
    const world = await startWorld()
    const alice = await world.joined('alice', { persistence: device, expects: ['storage'] })
    await loaded(alice)
    expect(alice.problems.map(({ code }) => code)).toEqual(['storage'])
    await world.close()
  })
})

describe('a plaintext y-indexeddb store', () => {
  const OLD = 'old-store'
  const moving = keeping({ migrateFrom: OLD })

  async function plaintext(text: string): Promise<void> {
    const doc = new Y.Doc()
    const old = new IndexeddbPersistence(OLD, doc)
    await old.whenSynced
    for (const character of text) doc.getText('text').insert(doc.getText('text').length, character)
    await old.destroy()
  }

  const isLeft = async (): Promise<boolean> => (await databaseNames()).includes(OLD)
  const gone = async (): Promise<void> => {
    while (await isLeft()) await new Promise((resolve) => setImmediate(resolve))
  }

  it('is in the document before there is a key, goes when a sealed copy was read back, and is sent once', async () => {
    const world = await startWorld()
    const secret = world.canary('plaintext')
    await plaintext(secret)
    const alice = world.person('alice', { persistence: moving, connect: false })
    await loaded(alice)
    expect(alice.text.toString()).toBe(secret)
    expect(await isLeft()).toBe(true)
    alice.provider.connect()
    await patiently(gone(), 'the plaintext to be deleted')
    await alice.provider.flush()
    await moving.leave(alice)
    const found = bytesIn([...(await copyDevice()).values()].map((stores) => [...stores.values()]))
    expect(found.some((bytes) => Buffer.from(bytes).includes(secret))).toBe(false)
    const again = await world.joined('alice again', { persistence: moving })
    expect(again.text.toString()).toBe(secret)
    await world.close()
  })

  it('is left as it is while no sealed copy can be written, and taken over at the next visit', async () => {
    const world = await startWorld()
    await plaintext('words')
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(isFull)
    const alice = await world.joined('alice', { persistence: moving, expects: ['storage'] })
    await alice.provider.flush()
    expect(await isLeft()).toBe(true)
    await moving.leave(alice)
    add.mockRestore()
    const again = await world.joined('alice again', { persistence: moving })
    await patiently(gone(), 'the plaintext to be deleted')
    expect(again.text.toString()).toBe('words')
    expect(await world.freshText()).toBe('words')
    await world.close()
  })

  it('a crash between the sealed copy and the end of the plaintext loses nothing and doubles nothing', async () => {
    const world = await startWorld()
    await plaintext('words')
    const before = await copyDevice()
    const alice = await world.joined('alice', { persistence: moving })
    await patiently(gone(), 'the plaintext to be deleted')
    await alice.provider.flush()
    await moving.leave(alice)
    // As if the deletion had not reached the disk.
    await new IndexeddbPersistence(OLD, new Y.Doc()).whenSynced.then((old) => old.destroy())
    await restoreDevice(before)
    const again = await world.joined('alice again', { persistence: moving })
    await patiently(gone(), 'the plaintext to be deleted')
    await again.provider.flush()
    expect(again.text.toString()).toBe('words')
    expect(await world.freshText()).toBe('words')
    await world.close()
  })
})

describe('a copy that grows', () => {
  it('is joined into one row while the user pauses, and opens to the same document', async () => {
    const world = await startWorld()
    const clock = new FakeClock()
    const bob = await world.joined('bob')
    const alice = await world.joined('alice', { persistence: device, unsafeClock: clock })
    const rows = async () =>
      [...(await copyDevice()).values()].map((stores) => stores.get('cache')?.length ?? 0)[0] ?? 0
    let most = 0
    for (let i = 0; i < 300; i++) {
      const seen = until(alice.doc, 'update')
      bob.text.insert(bob.text.length, 'x')
      await seen
      await clock.advance(500)
      if (i % 25 === 0 || i > 250) most = Math.max(most, await rows())
    }
    expect(most).toBeGreaterThan(200)
    expect(most).toBeLessThanOrEqual(257)
    expect(await rows()).toBeLessThan(100)
    await device.leave(alice)
    const again = world.person('alice again', { persistence: device })
    again.wire.unplug()
    await loaded(again)
    expect(again.text.toString()).toBe('x'.repeat(300))
    await world.close()
  })
})
