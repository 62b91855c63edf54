import { closeReasons } from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import { afterEach, describe, expect, it } from 'vitest'
import {
  bytesIn,
  changeStore,
  copyDevice,
  type DeviceImage,
  databaseNames,
  emptyDevice,
  restoreDevice,
} from '../support/device.ts'
import { until, untilText, untilTrue } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keeping, loaded, stored } from '../support/keeping.ts'
import { NonceAudit } from '../support/nonce-audit.ts'
import { forgedEntry, keptKeys } from '../support/removed-member.ts'
import { channelOf } from '../support/two-faced-relay.ts'
import { startWorld, type World } from '../support/world.ts'

const device = keeping()
const unlocked = keeping({ offlineUnlock: true })

afterEach(emptyDevice)

const rowsOf = (image: DeviceImage, store: string) => [...image.values()].flatMap((stores) => stores.get(store) ?? [])

/** One bit of the tag. */
const damage = (bytes: Uint8Array): void => bytes.set([(bytes.at(-1) ?? 0) ^ 1], bytes.length - 1)

/** Somebody whose copy holds `text`, who has left. */
async function left(world: World, text: string, persistence = device): Promise<void> {
  const alice = await world.joined('alice', { persistence })
  alice.text.insert(0, text)
  await alice.provider.flush()
  await stored(alice)
  await persistence.leave(alice)
}

describe('A3: a profile that is copied, put back, or open twice', () => {
  it('never seals twice under one nonce, and never writes under one client id', async () => {
    const world = await startWorld()
    const audit = new NonceAudit()
    const salts = new Set<string>()
    const watch = async (): Promise<DeviceImage> => {
      const image = await copyDevice()
      for (const envelope of bytesIn([...image.values()].map((stores) => [...stores.values()]))) {
        try {
          const { kind, salt } = parseHeader(envelope)
          if (kind !== EnvelopeKind.local) continue
          salts.add(Buffer.from(salt).toString('hex'))
          audit.observe('room', envelope)
        } catch {
          // Records and nonces are no envelopes.
        }
      }
      return image
    }
    const clients = new Set<number>()
    await left(world, 'first ')
    const old = await watch()
    for (let round = 0; round < 4; round++) {
      await restoreDevice(old)
      const tabs = await Promise.all(
        [0, 1].map((tab) => world.joined(`tab ${tab} of ${round}`, { persistence: device })),
      )
      for (const tab of tabs) {
        clients.add(tab.doc.clientID)
        tab.wire.unplug()
        for (const word of ['same ', 'words ']) {
          tab.text.insert(0, word)
          await stored(tab)
          await watch()
        }
      }
      for (const tab of tabs) {
        tab.wire.plug()
        await tab.provider.flush()
        await device.leave(tab)
        await watch()
      }
    }
    expect(audit.repeated).toEqual([])
    // Each opening seals under a salt of its own; those of locks among them.
    expect(salts.size).toBeGreaterThanOrEqual(9)
    expect(clients.size).toBe(8)
    const text = await world.freshText()
    expect(text.length).toBe('first '.length + 8 * 'same words '.length)
    await world.close()
  })
})

describe('F1: what a thief finds on the device', () => {
  it('is no text, no key and no name, with the endpoint or without', async () => {
    const world = await startWorld()
    const room = world.canary('room')
    for (const persistence of [device, unlocked]) {
      const secret = world.canary('at-rest')
      const alice = await world.joined('alice', { persistence, room })
      alice.text.insert(0, secret)
      await alice.provider.flush()
      alice.wire.unplug()
      alice.text.insert(0, 'and offline')
      await stored(alice)
      await persistence.leave(alice)
      const image = await copyDevice()
      const found = bytesIn([...image.values()].map((stores) => [...stores.values()]))
      expect(found.length).toBeGreaterThan(4)
      for (const word of [secret, 'offline', room]) {
        expect(found.some((bytes) => Buffer.from(bytes).includes(word))).toBe(false)
        expect([...image.keys()].join()).not.toContain(word)
      }
      await emptyDevice()
    }
    await world.close().catch((error: Error) => {
      // The relay knows its rooms.
      if (!/room/.test(error.message)) throw error
    })
  })
})

describe('F2 and B7: an older log, or none, against what this device has seen', () => {
  it('a relay that has lost the document is a rollback, and takes nothing from the device', async () => {
    const world = await startWorld({ data: 'disk' })
    await left(world, 'I was here')
    await world.stopRelay()
    world.wipeRelay()
    await world.startRelay()
    const again = world.person('alice again', { persistence: device, expects: ['rollback'] })
    await until(again.provider, 'rollback')
    expect(again.text.toString()).toBe('I was here')
    await device.leave(again)
    const third = world.person('alice, a third time', { persistence: device, expects: ['rollback'] })
    await until(third.provider, 'rollback')
    expect(third.text.toString()).toBe('I was here')
    await world.close()
  })

  it('a relay that was put back to a backup is a rollback, and gets back what it has lost', async () => {
    const world = await startWorld({ data: 'disk' })
    await left(world, 'old, ')
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    const alice = await world.joined('alice', { persistence: device })
    alice.text.insert(5, 'new')
    await alice.provider.flush()
    await device.leave(alice)
    await world.stopRelay()
    restore()
    await world.startRelay()
    const again = world.person('alice again', { persistence: device, expects: ['rollback'] })
    await until(again.provider, 'rollback')
    await again.provider.flush()
    expect(await world.freshText()).toBe('old, new')
    await world.close()
  })

  it('what the relay has lost is kept until it is there again, however often the page is left meanwhile', async () => {
    const world = await startWorld({ data: 'disk' })
    await left(world, 'old, ')
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    const bob = await world.joined('bob')
    const alice = await world.joined('alice', { persistence: device })
    bob.text.insert(5, 'new from bob')
    await bob.provider.flush()
    await untilText(alice.doc, 'old, new from bob')
    await device.leave(alice)
    bob.provider.destroy()
    await world.stopRelay()
    restore()
    await world.startRelay()
    for (let visit = 0; visit < 2; visit++) {
      const again = world.person(`alice, visit ${visit}`, { persistence: device, expects: ['rollback'] })
      // Nothing that she sends arrives.
      again.wire.drop('up', (message) => message.type === 'append', Number.POSITIVE_INFINITY)
      await again.provider.whenSynced
      expect(again.text.toString()).toBe('old, new from bob')
      await device.leave(again)
    }
    const last = await world.joined('alice at last', { persistence: device, expects: ['rollback'] })
    await last.provider.flush()
    expect(await world.freshText()).toBe('old, new from bob')
    await world.close()
  })
})

describe('a removed member whose late words the relay shows to one device only', () => {
  it.each([
    ['its copy opens by the endpoint', device],
    ['its copy opens by itself', unlocked],
  ])(
    '%s: when the page is opened again it does not carry them into the next epoch; what its user typed it does',
    async (_how, persistence) => {
      const world = await startWorld()
      const ada = await world.joined('Ada')
      ada.text.insert(0, 'true. ')
      await ada.provider.flush()
      const bob = await world.joined('Bob', { persistence })
      await untilText(bob.doc, 'true. ')
      const [record] = await world.records()
      if (record === undefined) throw new Error('there is an epoch')
      const { hashBefore, entry } = await forgedEntry(
        await keptKeys(world, record),
        record,
        await world.log(),
        'laundered',
      )
      bob.wire.openSockets[0]?.deliver([
        { type: 'entries', channel: channelOf(bob), first: 2, hashBefore, entries: [entry] },
      ])
      await untilText(bob.doc, 'laundered', 'forged')
      bob.wire.unplug()
      bob.text.insert(0, 'typed by Bob. ')
      await stored(bob)
      await persistence.leave(bob)
      await ada.provider.rotateKey()

      const again = await world.joined('Bob again', { persistence, expects: ['fork'] })
      expect(again.problems.map(({ code }) => code)).toEqual(['fork'])
      await again.provider.flush()
      await untilText(ada.doc, 'typed by Bob. true. ')
      const reader = await world.joined('fresh reader')
      for (const { doc } of [ada, reader]) expect(doc.getText('forged').toString()).toBe('')
      // Nothing is taken from the device, either.
      expect(again.doc.getText('forged').toString()).toBe('laundered')
      await persistence.leave(again)
      const third = world.person('Bob, a third time', { persistence, expects: ['fork'] })
      await loaded(third)
      await third.provider.whenSynced
      await third.provider.flush()
      expect((await world.joined('another fresh reader')).doc.getText('forged').toString()).toBe('')
      await world.close()
    },
  )
})

describe('who is shut out', () => {
  it('by the endpoint: the copy goes from the device, what was typed and not sent stays sealed, and is sent when they are let in again', async () => {
    let isIn = true
    const world = await startWorld({ access: (who) => (who !== 'alice' || isIn ? 'write' : undefined) })
    const keys = world.keysAs('alice')
    const alice = await world.joined('alice', { persistence: unlocked, keys })
    alice.text.insert(0, 'everybody has this')
    await alice.provider.flush()
    alice.wire.unplug()
    alice.text.insert(0, 'nobody has that: ')
    await stored(alice)
    await unlocked.leave(alice)
    expect(rowsOf(await copyDevice(), 'cache').length).toBeGreaterThan(0)

    isIn = false
    const again = world.person('alice again', { persistence: unlocked, keys, expects: ['key-refused'] })
    await until(again.provider, 'key-refused')
    await unlocked.leave(again)
    const image = await copyDevice()
    expect(rowsOf(image, 'cache')).toEqual([])
    expect(rowsOf(image, 'about').map(([key]) => key)).toEqual(['lock'])
    expect(Object.keys(rowsOf(image, 'about')[0]?.[1] as object)).not.toContain('device')
    expect(rowsOf(image, 'outbox').length).toBeGreaterThan(0)

    isIn = true
    const home = await world.joined('alice, let in', { persistence: unlocked, keys })
    await home.provider.flush()
    expect(await world.freshText()).toBe('nobody has that: everybody has this')
    await world.close()
  })

  it('of the old keys only: the copy is made anew under the newest; edits under a key that is refused stay until wipeLocal()', async () => {
    for (const hasEdits of [false, true]) {
      let givesOld = true
      const world = await startWorld({
        access: (_who, purpose) => (givesOld || purpose !== 'read-old' ? 'write' : undefined),
      })
      const alice = await world.joined('alice', { persistence: device })
      const bob = await world.joined('bob')
      alice.text.insert(0, 'before')
      await alice.provider.flush()
      alice.wire.unplug()
      if (hasEdits) alice.text.insert(0, 'typed ')
      await stored(alice)
      await device.leave(alice)
      await bob.provider.rotateKey()
      await bob.provider.flush()
      givesOld = false
      const expects = ['storage', 'key-refused']
      const again = await world.joined('alice again', { persistence: device, expects })
      expect(again.text.toString()).toBe('before')
      if (hasEdits) {
        await untilTrue(again.provider, 'storage', () => again.problems.some(({ code }) => code === 'storage'))
        expect(rowsOf(await copyDevice(), 'outbox').length).toBeGreaterThan(0)
        await device.leave(again)
        // Until it is given again.
        givesOld = true
        const third = await world.joined('alice, a third time', { persistence: device })
        await third.provider.flush()
        expect(await world.freshText()).toBe('typed before')
        await third.provider.wipeLocal()
      } else {
        await stored(again)
        again.text.insert(0, 'kept anew: ')
        await stored(again)
        await device.leave(again)
        expect(rowsOf(await copyDevice(), 'about').length).toBe(2)
      }
      await world.close()
      await emptyDevice()
    }
  })

  it('by the relay alone, whatever it says: nothing goes', async () => {
    const world = await startWorld()
    await left(world, 'mine', unlocked)
    const before = await copyDevice()
    for (const { code } of [closeReasons.revoked, closeReasons.deleted, closeReasons.unauthorised]) {
      const expects = ['session-revoked', 'document-deleted', 'auth-required', 'authentication-failed']
      const again = world.person(`told ${code}`, { persistence: unlocked, expects })
      const closed = until(again.provider, 'closed')
      await untilTrue(again.provider, 'status', () => again.wire.openSockets.length > 0)
      again.wire.closeFromRelay(code)
      await closed
      expect(again.text.toString()).toBe('mine')
      await unlocked.leave(again)
    }
    const after = await copyDevice()
    expect(rowsOf(after, 'cache')).toEqual(rowsOf(before, 'cache'))
    expect(rowsOf(after, 'about').length).toBe(2)
    await world.close()
  })
})

describe('a store that another hand has written to', () => {
  const name = async (): Promise<string> => (await databaseNames())[0] ?? ''

  it.each([
    ['a row of the log is changed', 'cache'],
    ['pins are changed', 'about'],
  ])('%s: told, set aside, and read from the relay', async (_what, store) => {
    const world = await startWorld()
    await left(world, 'one, ')
    await changeStore(await name(), store, (rows) =>
      rows.map(([key, value]) => {
        const bytes = store === 'cache' ? value : (value as { sealed: Uint8Array }).sealed
        if (bytes instanceof Uint8Array && key !== 'lock') damage(bytes)
        return [key, value]
      }),
    )
    const again = await world.joined('alice again', { persistence: device, expects: ['storage'] })
    expect(again.problems.map(({ code }) => code)).toEqual(['storage'])
    expect(again.text.toString()).toBe('one, ')
    await device.leave(again)
    expect(rowsOf(await copyDevice(), 'damaged').length).toBeGreaterThan(0)
    const third = await world.joined('alice, a third time', { persistence: device })
    expect(third.text.toString()).toBe('one, ')
    await world.close()
  })

  it('rows of the log that change places, or come from before, are not taken for it', async () => {
    const world = await startWorld()
    const clock = new FakeClock()
    const alice = await world.joined('alice', { persistence: device, unsafeClock: clock })
    while (rowsOf(await copyDevice(), 'cache').length < 3) {
      alice.text.insert(0, 'word ')
      await alice.provider.flush()
      const seen = until(alice.provider, 'stored')
      await clock.advance(500)
      await seen
    }
    await device.leave(alice)
    await changeStore(await name(), 'cache', (rows) => {
      const [first, second, ...rest] = rows
      if (first === undefined || second === undefined) throw new Error('there are rows')
      return [[first[0], second[1]], [second[0], first[1]], ...rest]
    })
    const again = await world.joined('alice again', { persistence: device, expects: ['storage'] })
    expect(again.problems.map(({ code }) => code)).toEqual(['storage'])
    expect(again.text.toString()).toBe(alice.text.toString())
    await world.close()
  })

  it('an edit that does not open any more is set aside as it was found, and the others are sent', async () => {
    const world = await startWorld()
    await left(world, '')
    for (const word of ['one ', 'two ']) {
      const visit = world.person(`alice writes ${word}`, { persistence: device })
      visit.wire.unplug()
      await loaded(visit)
      visit.doc.getText(word).insert(0, word)
      await stored(visit)
      await device.leave(visit)
    }
    let damaged: unknown
    await changeStore(await name(), 'outbox', (rows) =>
      rows.map(([key, value], at) => {
        if (at === 0 && value instanceof Uint8Array) damage(value)
        if (at === 0) damaged = value
        return [key, value]
      }),
    )
    const again = await world.joined('alice again', { persistence: device, expects: ['storage'] })
    await again.provider.flush()
    expect(again.doc.getText('two ').toString()).toBe('two ')
    expect(again.doc.getText('one ').toString()).toBe('')
    await device.leave(again)
    const [aside] = rowsOf(await copyDevice(), 'damaged').map(([, value]) => (value as { found: unknown[] }).found)
    expect(aside).toContainEqual(damaged)
    await world.close()
  })

  it.each([
    ['a number', 7],
    ['a lock without a record', { nonce: new Uint8Array(16), sealed: new Uint8Array(60) }],
    ['a lock of garbage', { record: new Uint8Array(200), nonce: new Uint8Array(16), sealed: new Uint8Array(60) }],
  ])('%s in place of the lock: told, left as it is, and the document opens', async (_what, garbage) => {
    const world = await startWorld()
    await left(world, 'text')
    await changeStore(await name(), 'about', (rows) =>
      rows.map(([key, value]) => [key, key === 'lock' ? garbage : value]),
    )
    const again = await world.joined('alice again', { persistence: device, expects: ['storage'] })
    expect(again.text.toString()).toBe('text')
    await loaded(again)
    await device.leave(again)
    expect(rowsOf(await copyDevice(), 'about').find(([key]) => key === 'lock')?.[1]).toEqual(garbage)
    await world.close()
  })
})
