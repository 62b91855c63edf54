import { afterEach, describe, expect, test } from 'vitest'
import { RelayConnection } from 'y-sealed'
import { areEqual, untilEqual } from '../support/convergence.ts'
import { patiently } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { epochsOf, saidBy } from '../support/rotation-steps.ts'
import { ofType } from '../support/steps.ts'
import { Wire } from '../support/wire.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// rotateKey() is called where things are not as they usually are; it gives a new epoch all the same.

let world: World
afterEach(() => world.close())

describe('rotateKey()', () => {
  test('is called before the document is complete, by a script that has just started: it opens a new epoch, too', async () => {
    world = await startWorld()
    const ada = await world.joined('Ada')
    ada.text.insert(0, 'text')
    await ada.provider.flush()
    const script = world.person('an administrator’s script')
    expect(await patiently(script.provider.rotateKey(), 'the rotation')).toMatchObject({ index: 1 })
    expect(await epochsOf(world)).toHaveLength(2)
    expect(await world.freshText()).toBe('text')
  })

  test('is called where the record of somebody else’s epoch was lost: the refusal of the lease brings it, and that one will do', async () => {
    world = await startWorld()
    const ada = await world.joined('Ada')
    const bob = await world.joined('Bob')
    ada.wire.drop('down', ofType('record'))
    const epoch = await bob.provider.rotateKey()
    expect(await patiently(ada.provider.rotateKey(), 'the wish')).toEqual(epoch)
    expect(await epochsOf(world)).toHaveLength(2)
    expect(saidBy(ada).filter(ofType('lease'))).toHaveLength(1)
  })

  test('is called at a relay with frames of one envelope, the least there is (WIRE-17): what it stages keeps to them', async () => {
    const maxFrameEnvelopeBytes = 262_656
    world = await startWorld({ relayLimits: { maxFrameEnvelopeBytes } })
    const ada = await world.joined('Ada', { padding: false })
    const map = ada.doc.getMap('map')
    map.set('nearly a frame', 'x'.repeat(255 * 1024))
    map.set('too much for what is left of it', 'x'.repeat(7 * 1024))
    await ada.provider.flush()
    expect(await ada.provider.rotateKey()).toMatchObject({ index: 1 })
    const staged = saidBy(ada).flatMap((message) =>
      message.type === 'stage' || message.type === 'open'
        ? [message.envelopes.reduce((bytes, { envelope }) => bytes + envelope.length, 0)]
        : [],
    )
    expect(Math.max(...staged)).toBeLessThanOrEqual(maxFrameEnvelopeBytes)
    const reader = await world.joined('fresh reader')
    expect(areEqual([reader.doc, ada.doc])).toBe(true)
  })
})

test('three documents on one connection are rotated at once, again and again, while people type and the line breaks', async () => {
  world = await startWorld()
  const wire = new Wire(world.capture)
  const connection = new RelayConnection(world.relayUrl, { WebSocketPolyfill: wire.WebSocket, maxBackoffTime: 200 })
  const rooms = ['one', 'two', 'three']
  const [mine, others] = await Promise.all([
    Promise.all(rooms.map((room) => world.joined(`mine, ${room}`, { room, connection }))),
    Promise.all(rooms.map((room) => world.joined(`another’s, ${room}`, { room }))),
  ])
  const all = [...mine, ...others]
  let isTyping = true
  const typing = (async () => {
    for (; isTyping; await settle()) for (const { text } of all) text.insert(0, 'x')
  })()
  const ROUNDS = 4
  for (let round = 1; round <= ROUNDS; round++) {
    await patiently(Promise.all(all.map(({ provider }) => provider.rotateKey())), `round ${round}`)
    if (round === 2) wire.cut()
  }
  isTyping = false
  await typing
  await patiently(Promise.all(all.map(({ provider }) => provider.flush())), 'everything to be durable')
  for (const [i, room] of rooms.entries()) {
    const pair = [mine[i], others[i]].filter((person): person is Person => person !== undefined)
    await untilEqual(pair.map(({ doc }) => doc))
    expect(await world.freshText(room)).toBe(pair[0]?.text.toString())
    // Who asks a moment after another has rotated gets one more: at most one each per round.
    const indexes = (await epochsOf(world, room)).map(({ index }) => index)
    expect(indexes).toEqual(indexes.map((_, place) => place))
    expect(indexes.length).toBeGreaterThan(ROUNDS)
    expect(indexes.length).toBeLessThanOrEqual(1 + 2 * ROUNDS)
  }
  connection.destroy()
})
