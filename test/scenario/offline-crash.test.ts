import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { copyDevice, type DeviceImage, emptyDevice, restoreDevice } from '../support/device.ts'
import { until, untilText } from '../support/events.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { keeping, loaded, stored } from '../support/keeping.ts'
import { WebLocks } from '../support/web-locks.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

const device = keeping({ offlineUnlock: true })
let locks: WebLocks
let world: World

beforeEach(async () => {
  locks = new WebLocks()
  vi.stubGlobal('navigator', locks.navigator)
  world = await startWorld()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  await emptyDevice()
})

/** The disk as it is at the first moment at which this page says that everything is on it. */
const whenStored = async (person: Person): Promise<DeviceImage> => {
  await stored(person)
  return copyDevice()
}

/** What is shown, without endpoint and relay, by a browser that was killed when its disk was like this. */
async function shownAfterCrash(image: DeviceImage, ...tabs: Person[]): Promise<string> {
  for (const tab of tabs) await device.leave(tab)
  await restoreDevice(image)
  const again = world.person('after the crash', { persistence: device })
  again.wire.unplug()
  await loaded(again)
  const shown = again.text.toString()
  await device.leave(again)
  return shown
}

const rows = async (store: string): Promise<number> =>
  [...(await copyDevice()).values()].reduce((count, stores) => count + (stores.get(store)?.length ?? 0), 0)

/** Has a store and the lock, and has written nothing for a while. */
async function ready(person: Person, clock: FakeClock): Promise<void> {
  await stored(person)
  await clock.advance(1_000)
}

const append = ({ text }: Person, words: string): void => text.insert(text.length, words)

/** Holds up what makes the browser's key, and with it the store. */
function slowStore(): () => void {
  const generateKey = crypto.subtle.generateKey.bind(crypto.subtle)
  let open: () => void = () => {}
  const isOpen = new Promise<void>((resolve) => {
    open = resolve
  })
  vi.spyOn(crypto.subtle, 'generateKey').mockImplementation((async (...args: Parameters<typeof generateKey>) => {
    await isOpen
    return generateKey(...args)
  }) as typeof crypto.subtle.generateKey)
  return open
}

describe('what a page calls stored is shown after kill -9, with all that it rests on', () => {
  it('where the store was made only after the relay had taken the first words', async () => {
    const open = slowStore()
    const alice = await world.joined('alice', { persistence: device })
    append(alice, 'online, ')
    await alice.provider.flush()
    alice.wire.unplug()
    locks.isSlow = true
    append(alice, 'then in a tunnel')
    const image = whenStored(alice)
    open()
    await settle()
    locks.grant()
    expect(await shownAfterCrash(await image, alice)).toBe('online, then in a tunnel')
    await world.close()
  })

  it('where this tab has not been given the lock yet', async () => {
    locks.isSlow = true
    const alice = await world.joined('alice', { persistence: device })
    await stored(alice)
    append(alice, 'online, ')
    await alice.provider.flush()
    await settle()
    alice.wire.unplug()
    append(alice, 'then in a tunnel')
    const image = whenStored(alice)
    await settle()
    locks.grant()
    expect(await shownAfterCrash(await image, alice)).toBe('online, then in a tunnel')
    await world.close()
  })

  it('where five hundred edits were acked before there was a store', async () => {
    const open = slowStore()
    const alice = await world.joined('alice', { persistence: device })
    for (let i = 0; i < 500; i++) {
      append(alice, 'x')
      await alice.provider.flush()
    }
    alice.wire.unplug()
    append(alice, ' and one')
    locks.isSlow = true
    const image = whenStored(alice)
    open()
    await settle()
    locks.grant()
    expect(await shownAfterCrash(await image, alice)).toBe(`${'x'.repeat(500)} and one`)
    await world.close()
  })

  it('where the key was rotated before there was a store', async () => {
    const open = slowStore()
    const alice = await world.joined('alice', { persistence: device })
    append(alice, 'before, ')
    await alice.provider.flush()
    await alice.provider.rotateKey()
    append(alice, 'after, ')
    await alice.provider.flush()
    alice.wire.unplug()
    append(alice, 'offline')
    const image = whenStored(alice)
    open()
    expect(await shownAfterCrash(await image, alice)).toBe('before, after, offline')
    await world.close()
  })

  it('where it rests on what somebody else wrote a moment ago', async () => {
    const unsafeClock = new FakeClock()
    const alice = await world.joined('alice', { persistence: device, unsafeClock })
    await ready(alice, unsafeClock)
    const bob = await world.joined('bob')
    const heard = untilText(alice.doc, 'from Bob, ')
    append(bob, 'from Bob, ')
    await heard
    alice.wire.unplug()
    append(alice, 'from Alice')
    expect(await shownAfterCrash(await whenStored(alice), alice)).toBe('from Bob, from Alice')
    await world.close()
  })

  it('and is not called so while the disk has no room for what it rests on', async () => {
    const unsafeClock = new FakeClock()
    const alice = await world.joined('alice', { persistence: device, unsafeClock, expects: ['storage'] })
    await ready(alice, unsafeClock)
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('the disk is full', 'QuotaExceededError')
    })
    const bob = await world.joined('bob')
    const heard = untilText(alice.doc, 'from Bob, ')
    append(bob, 'from Bob, ')
    await heard
    alice.wire.unplug()
    append(alice, 'from Alice')
    await unsafeClock.advance(1_000)
    expect(alice.provider.storedLocally).toBe(false)
    put.mockRestore()
    const image = whenStored(alice)
    await unsafeClock.advance(60_000)
    expect(await shownAfterCrash(await image, alice)).toBe('from Bob, from Alice')
    await world.close()
  })
})

describe('two tabs, of which one keeps the log', () => {
  async function twoTabs() {
    const unsafeClock = new FakeClock()
    const one = await world.joined('one', { persistence: device, unsafeClock, disableBc: true })
    await ready(one, unsafeClock)
    const two = await world.joined('two', { persistence: device, unsafeClock, disableBc: true })
    return { unsafeClock, one, two }
  }

  it('the other keeps its own words until the log with them is kept, and no longer', async () => {
    const { unsafeClock, one, two } = await twoTabs()
    one.wire.unplug()
    append(two, 'online, ')
    await two.provider.flush()
    two.wire.unplug()
    append(two, 'then in a tunnel')
    const image = await whenStored(two)
    one.wire.plug()
    two.wire.plug()
    while ((await rows('outbox')) > 0) await unsafeClock.advance(500)
    expect(await shownAfterCrash(image, one, two)).toBe('online, then in a tunnel')
    await world.close()
  })

  it('the other calls nothing stored that rests on what the first has not heard', async () => {
    const { unsafeClock, one, two } = await twoTabs()
    const bob = await world.joined('bob')
    one.wire.unplug()
    const heard = untilText(two.doc, 'from Bob, ')
    append(bob, 'from Bob, ')
    await heard
    two.wire.unplug()
    append(two, 'from two')
    await unsafeClock.advance(1_000)
    expect(two.provider.storedLocally).toBe(false)
    const image = whenStored(two)
    const told = untilText(one.doc, 'from Bob, ')
    one.wire.plug()
    await unsafeClock.advance(1_000)
    await told
    await unsafeClock.advance(60_000)
    expect(await shownAfterCrash(await image, two, one)).toBe('from Bob, from two')
    await world.close()
  })

  it('whoever gets the lock and began with less does not write over what the first has added', async () => {
    const unsafeClock = new FakeClock()
    const visit = await world.joined('a visit', { persistence: device, unsafeClock })
    append(visit, 'zero')
    await visit.provider.flush()
    await device.leave(visit)
    const one = await world.joined('one', { persistence: device, unsafeClock, disableBc: true })
    const two = await world.joined('two', { persistence: device, unsafeClock, disableBc: true })
    for (const word of [' one', ' two', ' three']) {
      append(one, word)
      await one.provider.flush()
      await unsafeClock.advance(500)
    }
    await untilText(two.doc, 'zero one two three')
    await device.leave(one)
    append(two, ' four')
    await two.provider.flush()
    await unsafeClock.advance(500)
    // A damaged copy would be a problem `storage`, and what does not open is not shown.
    const image = await copyDevice()
    expect(await shownAfterCrash(image, two)).toBe('zero one two three four')
    await world.close()
  })

  it('the copy opens where the other has entered the next epoch before the first', async () => {
    const asking = keeping()
    const unsafeClock = new FakeClock()
    locks.isSlow = true
    const one = await world.joined('one', { persistence: asking, unsafeClock, disableBc: true })
    await stored(one)
    const two = await world.joined('two', { persistence: asking, unsafeClock, disableBc: true })
    await stored(two)
    locks.grant()
    append(one, 'words')
    await one.provider.flush()
    await unsafeClock.advance(500)
    one.wire.unplug()
    await two.provider.rotateKey()
    await settle()
    const image = await copyDevice()
    for (const tab of [two, one]) await asking.leave(tab)
    await restoreDevice(image)
    const again = world.person('again', { persistence: asking })
    again.wire.unplug()
    await loaded(again)
    expect(again.text.toString()).toBe('words')
    await world.close()
  })
})

describe('typing online', () => {
  it.each([
    ['alone', false],
    ['at one place with somebody else', true],
  ])('%s, at twenty a second for ten seconds, writes the log twice a second at most', async (_how, isTogether) => {
    const unsafeClock = new FakeClock()
    const alice = await world.joined('alice', { persistence: device, unsafeClock })
    const bob = await world.joined('bob')
    await ready(alice, unsafeClock)
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    const times = (): number =>
      put.mock.contexts.filter((store) => store instanceof IDBObjectStore && store.name === 'cache').length
    for (let i = 0; i < 200; i++) {
      if (isTogether) {
        const heard = until(alice.doc, 'update')
        append(bob, 'b')
        await heard
      }
      append(alice, 'a')
      await alice.provider.flush()
      await unsafeClock.advance(50)
    }
    expect(times()).toBeGreaterThan(10)
    expect(times()).toBeLessThanOrEqual(21)
    await unsafeClock.advance(500)
    expect(await shownAfterCrash(await whenStored(alice), alice)).toBe((isTogether ? 'ba' : 'a').repeat(200))
    await world.close()
  })
})
