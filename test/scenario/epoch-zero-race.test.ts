import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type * as Y from 'yjs'
import { untilText } from '../support/events.ts'
import { startWorld, type World } from '../support/world.ts'

const SEED = 'a first line for everybody'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** Seeds the document, and counts how often it was asked to. */
function seeding(): { initial: (doc: Y.Doc) => void; calls: () => number } {
  let calls = 0
  return {
    initial: (doc) => {
      calls++
      doc.getText('text').insert(0, SEED)
    },
    calls: () => calls,
  }
}

describe('a new document with `initial`', () => {
  test('opened by two at once, 200 times: one seed in the log, one text for both and for who comes later', async () => {
    const race = async (room: string): Promise<void> => {
      const alice = world.person('Alice', { room, initial: seeding().initial })
      const bob = world.person('Bob', { room, initial: seeding().initial })
      await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
      await Promise.all([untilText(alice.doc, SEED), untilText(bob.doc, SEED)])
      alice.text.insert(SEED.length, '!')
      await untilText(bob.doc, `${SEED}!`)
      expect(await world.log(room)).toHaveLength(2)
      expect(await world.freshText(room)).toBe(`${SEED}!`)
      alice.provider.destroy()
      bob.provider.destroy()
    }
    // Several rooms side by side, so that the relay meets the openings in ever new orders.
    for (let number = 0; number < 200; number += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => race(`race ${number + i}`)))
    }
  }, 120_000)

  test('opened by ten at once: one seed', async () => {
    const people = Array.from({ length: 10 }, (_, number) =>
      world.person(`person ${number}`, { initial: seeding().initial }),
    )
    await Promise.all(people.map(({ provider }) => provider.whenSynced))
    for (const { doc } of people) await untilText(doc, SEED)
    expect(await world.log()).toHaveLength(1)
  })

  test('the loser’s own words, typed before the race was over, are kept; its seed is not', async () => {
    const alice = world.person('Alice', { initial: seeding().initial })
    const bob = world.person('Bob', { initial: seeding().initial })
    alice.text.insert(0, 'A')
    bob.text.insert(0, 'B')
    await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
    await Promise.all([alice.provider.flush(), bob.provider.flush()])
    const text = await world.freshText()
    expect([...text].sort().join('')).toBe([...`AB${SEED}`].sort().join(''))
    expect(text.split(SEED)).toHaveLength(2)
  })

  test('the winner whose connection breaks before it hears that it won does not seed again', async () => {
    const { initial, calls } = seeding()
    const alice = world.person('Alice', { initial, connect: false })
    alice.wire.cutAt('down', ({ type }) => type === 'opened')
    alice.provider.connect()
    await alice.provider.whenSynced
    await untilText(alice.doc, SEED)
    alice.text.insert(0, '… ')
    await alice.provider.flush()
    expect(await world.log()).toHaveLength(2)
    expect(await world.freshText()).toBe(`… ${SEED}`)
    expect(calls()).toBe(1)
  })

  test('an opening that never arrives is tried again after the reconnect, and seeds once', async () => {
    const alice = world.person('Alice', { initial: seeding().initial, connect: false })
    alice.wire.cutAt('up', ({ type }) => type === 'open')
    alice.provider.connect()
    await alice.provider.whenSynced
    expect(alice.text.toString()).toBe(SEED)
    expect(await world.log()).toHaveLength(1)
  })

  test('an opening that arrives from a half-open connection after somebody else’s loses, and its seed is in no log', async () => {
    const alice = world.person('Alice', { initial: seeding().initial, connect: false })
    alice.wire.hold('up', ({ type }) => type === 'open')
    const sent = alice.wire.untilPassed('up', ({ type }) => type === 'open')
    alice.provider.connect()
    await sent
    const bob = await world.joined('Bob', { initial: seeding().initial })
    alice.wire.halfOpen()
    alice.wire.release('up')
    await alice.provider.whenSynced
    await Promise.all([untilText(alice.doc, SEED), untilText(bob.doc, SEED)])
    expect(await world.log()).toHaveLength(1)
  })

  test('is not seeded again by who opens it after everything was deleted', async () => {
    const alice = await world.joined('Alice', { initial: seeding().initial })
    await untilText(alice.doc, SEED)
    alice.text.delete(0, SEED.length)
    await alice.provider.flush()
    const late = seeding()
    const bob = await world.joined('Bob', { initial: late.initial })
    expect(bob.text.toString()).toBe('')
    expect(late.calls()).toBe(0)
  })

  test('has its seed in the document before sync(true) fires', async () => {
    const alice = world.person('Alice', { initial: seeding().initial, connect: false })
    let atSync = ''
    alice.provider.on('sync', (isSynced) => {
      if (isSynced) atSync = alice.text.toString()
    })
    alice.provider.connect()
    await alice.provider.whenSynced
    expect(atSync).toBe(SEED)
  })
})

test('two who open a new document at once without `initial` both write to the same epoch', async () => {
  const alice = world.person('Alice')
  const bob = world.person('Bob')
  alice.text.insert(0, 'a')
  bob.text.insert(0, 'b')
  await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
  await Promise.all([alice.provider.flush(), bob.provider.flush()])
  expect(alice.provider.epoch?.fingerprint).toBe(bob.provider.epoch?.fingerprint)
  expect([...(await world.freshText())].sort().join('')).toBe('ab')
})
