import type { Purpose } from '@y-sealed/key-endpoint'
import { parseHeader } from '@y-sealed/protocol/header'
import { afterEach, describe, expect, test } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilText } from '../support/events.ts'
import { isGapless } from '../support/log-order.ts'
import { epochsOf, heardBy, saidBy, untilEpoch } from '../support/rotation-steps.ts'
import { codesOf, nextSync, someProblem, synced } from '../support/steps.ts'
import { type Person, type PersonOptions, startWorld, type World, type WorldOptions } from '../support/world.ts'

// Somebody was away while keys were rotated, and comes back with edits of its own: nothing is lost in either direction.

let world: World
afterEach(() => world.close())

/** Both have what was written before one of them goes offline. */
async function together(options: WorldOptions = {}, away: PersonOptions = {}): Promise<{ ada: Person; bob: Person }> {
  world = await startWorld({ data: 'disk', ...options })
  const ada = await world.joined('Ada')
  ada.text.insert(0, 'together. ')
  await ada.provider.flush()
  const bob = await world.joined('Bob', away)
  await untilText(bob.doc, 'together. ')
  return { ada, bob }
}

/** Each rotation has something written before it, so that every epoch holds something of its own. */
async function rotatesWhileAway(ada: Person, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) {
    ada.text.insert(ada.text.length, `before rotation ${time}. `)
    await ada.provider.rotateKey()
  }
  ada.text.insert(ada.text.length, 'after them all. ')
  await ada.provider.flush()
}

const ALL_OF_IT = (times: number): string =>
  `together. ${Array.from({ length: times }, (_, i) => `before rotation ${i + 1}. `).join('')}after them all. `

async function comesBack(person: Person): Promise<void> {
  const back = nextSync(person)
  person.wire.plug()
  await back
}

/** Epochs of the envelopes that somebody has sealed since the connection of this number. */
function sealedUnder(person: Person, fromSocket: number): number[] {
  return person.wire.sockets
    .slice(fromSocket)
    .flatMap(({ connection }) =>
      person.wire.capture
        .messages('up', connection)
        .flatMap((message) =>
          message.type === 'append' || message.type === 'stage'
            ? message.envelopes.map(({ envelope }) => parseHeader(envelope).epochIndex)
            : [],
        ),
    )
}

/** Whether the document was loaded from a checkpoint, rather than read on from where this device was. */
const hasLoadedCheckpoint = (person: Person): boolean => heardBy(person).some(({ type }) => type === 'checkpoint')

describe('with edits of its own', () => {
  test.each([1, 2, 5])(
    'across %i rotation(s): it reads on through each epoch, and its edits are sealed for the newest',
    async (times) => {
      const { ada, bob } = await together()
      bob.wire.unplug()
      bob.doc.getText('bob').insert(0, 'written offline')
      bob.text.delete(0, 4)
      await rotatesWhileAway(ada, times)
      const sockets = bob.wire.sockets.length
      await comesBack(bob)
      await bob.provider.flush()
      expect(bob.text.toString()).toBe(ALL_OF_IT(times).slice(4))
      await untilText(ada.doc, 'written offline', 'bob')
      await untilEqual([ada.doc, bob.doc])
      expect(bob.provider.epoch).toEqual(ada.provider.epoch)
      expect(new Set(sealedUnder(bob, sockets))).toEqual(new Set([times]))
      expect(hasLoadedCheckpoint(bob)).toBe(false)
      const log = await world.log()
      expect(isGapless(log)).toBe(true)
      expect(await world.freshText()).toBe(ALL_OF_IT(times).slice(4))
      expect(await epochsOf(world)).toHaveLength(times + 1)
    },
  )

  test('an append was on its way when the line broke: under the old key it is not accepted any more, under the new one it is there once', async () => {
    const { ada, bob } = await together()
    bob.wire.hold('up', ({ type }) => type === 'append')
    const sent = bob.wire.untilPassed('up', ({ type }) => type === 'append')
    bob.doc.getText('bob').insert(0, 'on its way')
    await sent
    bob.wire.halfOpen()
    const late = bob.wire.sockets[0]
    await rotatesWhileAway(ada, 2)
    await untilEpoch(bob, 2)
    await synced(bob)
    await bob.provider.flush()
    // The relay hears it only now, on the connection that it believes alive.
    late?.release('up')
    bob.doc.getText('bob').insert(10, ' and after')
    await bob.provider.flush()
    await untilText(ada.doc, 'on its way and after', 'bob')
    expect(bob.text.toString()).toBe(ALL_OF_IT(2))
    const reader = await world.joined('fresh reader')
    expect(reader.doc.getText('bob').toString()).toBe('on its way and after')
  })

  test('the last append of an epoch was its own, and its ack was lost: it is there once', async () => {
    const { ada, bob } = await together()
    bob.wire.drop('down', ({ type }) => type === 'ack')
    const acked = bob.wire.untilPassed('down', ({ type }) => type === 'ack')
    bob.doc.getText('bob').insert(0, 'acked, unheard')
    await acked
    bob.wire.unplug()
    await rotatesWhileAway(ada, 1)
    await comesBack(bob)
    await bob.provider.flush()
    expect(bob.doc.getText('bob').toString()).toBe('acked, unheard')
    const mine = saidBy(bob).filter(({ type }) => type === 'append')
    expect(mine).toHaveLength(1)
    expect((await world.joined('fresh reader')).doc.getText('bob').toString()).toBe('acked, unheard')
  })

  test('it comes back into the middle of a rotation: the line breaks at each record it is shown', async () => {
    const { ada, bob } = await together()
    bob.wire.unplug()
    bob.doc.getText('bob').insert(0, 'written offline')
    await rotatesWhileAway(ada, 3)
    bob.wire.plug()
    for (let time = 0; time < 3; time++) bob.wire.cutAt('down', ({ type }) => type === 'record')
    await patiently(untilEpoch(bob, 3), 'the newest epoch')
    await synced(bob)
    await bob.provider.flush()
    expect(bob.text.toString()).toBe(ALL_OF_IT(3))
    await untilText(ada.doc, 'written offline', 'bob')
  })
})

describe('where an epoch in between cannot be opened', () => {
  /** The second of three epochs is lost to Bob; the third is not. */
  async function expectJumped(ada: Person, bob: Person): Promise<void> {
    await bob.provider.flush()
    expect(hasLoadedCheckpoint(bob)).toBe(true)
    expect(bob.text.toString()).toBe(ALL_OF_IT(3))
    await untilText(ada.doc, 'written offline', 'bob')
    await untilEqual([ada.doc, bob.doc])
    expect(bob.provider.epoch).toEqual(ada.provider.epoch)
    expect(isGapless(await world.log())).toBe(true)
    const reader = await world.joined('fresh reader')
    expect(reader.text.toString()).toBe(ALL_OF_IT(3))
    expect(reader.doc.getText('bob').toString()).toBe('written offline')
    // One edit each time something was written, and his: what the checkpoint brought is not sent to the log again.
    expect(await world.log()).toHaveLength(6)
  }

  test('old keys are refused to it (403): it loads the newest checkpoint into its document, and says nothing', async () => {
    let refusesOld = false
    const access = (who: string, purpose: Purpose) =>
      who === 'bob' && purpose === 'read-old' && refusesOld ? undefined : who === 'admin' ? 'admin' : 'write'
    const { ada, bob } = await together({ access })
    bob.provider.destroy()
    const away = await world.joined('Bob', { keys: world.keysAs('bob') })
    away.wire.unplug()
    away.doc.getText('bob').insert(0, 'written offline')
    await rotatesWhileAway(ada, 3)
    refusesOld = true
    await comesBack(away)
    await expectJumped(ada, away)
    expect(codesOf(away)).toEqual([])
  })

  test('the key in between was shredded (404): the same', async () => {
    const { ada, bob } = await together()
    bob.wire.unplug()
    bob.doc.getText('bob').insert(0, 'written offline')
    await rotatesWhileAway(ada, 3)
    const [, second] = await epochsOf(world)
    await world.keyAct('shred', { keyHint: second?.keyHint })
    await comesBack(bob)
    await expectJumped(ada, bob)
    expect(codesOf(bob)).toEqual([])
  })

  test('the key of the newest one is refused to it: it stays where it is, keeps its edits, and goes on once it has the key', async () => {
    let isRemoved = false
    const access = (who: string) => (who === 'bob' && isRemoved ? undefined : who === 'admin' ? 'admin' : 'write')
    const { ada, bob } = await together({ access })
    bob.provider.destroy()
    const away = await world.joined('Bob', { keys: world.keysAs('bob'), expects: ['key-refused'] })
    away.wire.unplug()
    away.doc.getText('bob').insert(0, 'written offline')
    await rotatesWhileAway(ada, 2)
    isRemoved = true
    const sockets = away.wire.sockets.length
    away.wire.plug()
    await someProblem(away)
    expect(away.provider.synced).toBe(false)
    expect(away.provider.hasUnsyncedChanges).toBe(true)
    expect(sealedUnder(away, sockets)).toEqual([])
    isRemoved = false
    const back = nextSync(away)
    away.provider.connect()
    await back
    await away.provider.flush()
    expect(away.text.toString()).toBe(ALL_OF_IT(2))
    await untilText(ada.doc, 'written offline', 'bob')
  })
})

describe('somebody who may only read', () => {
  const auth = async (token: string) => ({
    subject: token,
    role: token === 'reader' ? ('read' as const) : ('write' as const),
  })
  /** With tokens, a document may be rotated once a minute; here it is as often as one types. */
  const OFTEN = { rotationsPerMinute: 60, rotationsPerDay: 1_000 }
  const access = (who: string) => (who === 'reader' ? 'read' : who === 'admin' ? 'admin' : 'write')

  test('was away for three rotations: it reads on, appends nothing, and its own edits stay its own', async () => {
    const { ada, bob } = await together({ auth, access, relayLimits: OFTEN })
    bob.provider.destroy()
    const reader = await world.joined('Rita', {
      token: 'reader',
      keys: world.keysAs('reader'),
      expects: ['write-denied'],
    })
    reader.wire.unplug()
    reader.doc.getText('rita').insert(0, 'for myself')
    await rotatesWhileAway(ada, 3)
    await comesBack(reader)
    await untilText(reader.doc, ALL_OF_IT(3))
    expect(reader.provider.epoch).toEqual(ada.provider.epoch)
    expect(reader.doc.getText('rita').toString()).toBe('for myself')
    expect(reader.provider.hasUnsyncedChanges).toBe(true)
    expect(saidBy(reader).some(({ type }) => ['append', 'stage', 'open', 'lease'].includes(type))).toBe(false)
    expect(ada.doc.getText('rita').toString()).toBe('')
    ada.text.insert(0, 'live ')
    await untilText(reader.doc, `live ${ALL_OF_IT(3)}`)
  })

  test('and is refused the old keys: it loads the newest checkpoint', async () => {
    let refusesOld = false
    const stricter = (who: string, purpose: Purpose) =>
      who === 'reader' && purpose === 'read-old' && refusesOld ? undefined : access(who)
    const { ada, bob } = await together({ auth, access: stricter, relayLimits: OFTEN })
    bob.provider.destroy()
    const reader = await world.joined('Rita', { token: 'reader', keys: world.keysAs('reader') })
    reader.wire.unplug()
    await rotatesWhileAway(ada, 3)
    refusesOld = true
    await comesBack(reader)
    await untilText(reader.doc, ALL_OF_IT(3))
    expect(hasLoadedCheckpoint(reader)).toBe(true)
    expect(codesOf(reader)).toEqual([])
  })
})
