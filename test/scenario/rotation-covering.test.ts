import { EventEmitter } from 'node:events'
import type { Ack } from '@y-sealed/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KeySource } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { patiently, until } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { untilEpoch } from '../support/rotation-steps.ts'
import { ofType } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

// A new epoch's checkpoint is the log, no more and no less, while others and the rotator go on typing. Found by rotation-property.test.ts.

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(() => world.close())

/** Long enough that sealing it takes some turns. */
const LONG_TEXT = 'x'.repeat(400 * 1024)

test('the key is retired while a rotator waits for her own words to be stored: they wait for the new epoch, not it for them', async () => {
  const desk = new EventEmitter()
  const keys: KeySource = async (request, options) => {
    const answer = await world.keys(request, options)
    desk.emit('answered', request.keyHint)
    return answer
  }
  const ada = await world.joined('Ada', { keys })
  const bob = await world.joined('Bob')
  ada.text.insert(0, 'one ')
  await ada.provider.flush()

  // Her line holds the ack of "two" back, and with it "three", which goes up after it.
  const acks: Ack[] = []
  ada.wire.rewrite('down', (messages) =>
    messages.filter((message) => {
      if (message.type !== 'ack') return true
      acks.push(message)
      return false
    }),
  )
  const acked = ada.wire.untilPassed('down', ofType('ack'))
  ada.text.insert(4, 'two ')
  await patiently(acked, 'the ack of "two"')
  ada.text.insert(8, 'three ')
  const minted = until(desk, 'answered', (hint) => hint === null)
  const rotated = ada.provider.rotateKey()
  await minted
  const old = ada.provider.epoch?.keyHint
  const retired = until(desk, 'answered', (hint) => hint === old)
  world.recheck()
  await retired
  await settle()
  ada.wire.rewrite('down', undefined)
  ada.wire.openSockets[0]?.deliver(acks)

  expect(await patiently(rotated, 'the rotation')).toMatchObject({ index: 1 })
  await patiently(ada.provider.flush(), 'the last words')
  await untilEqual([ada.doc, bob.doc])
  expect(await world.freshText()).toBe('one two three ')
})

test('what others write while the log of a retired key is sealed is in the new epoch', async () => {
  const ada = await world.joined('Ada')
  const bob = await world.joined('Bob')
  ada.text.insert(0, LONG_TEXT)
  await ada.provider.flush()
  await untilEqual([ada.doc, bob.doc])
  const { keyHint } = ada.provider.epoch ?? {}
  await world.keyAct('deactivate', { keyHint })

  // Ada hears of it when she comes back, and goes on typing; Bob does not, and writes as fast as he can.
  ada.wire.cut()
  let turns = 0
  while (ada.provider.epoch?.index === 0) {
    for (const { doc, name } of [ada, bob]) doc.getArray<string>('words').push([name])
    turns++
    await new Promise((resolve) => setImmediate(resolve))
  }
  await untilEpoch(bob, 1)
  await Promise.all([ada.provider.flush(), bob.provider.flush()])
  const reader = await world.joined('fresh reader')
  for (const { doc } of [ada, bob]) await untilEqual([doc, reader.doc])
  expect(reader.text.length).toBe(LONG_TEXT.length)
  const words = reader.doc.getArray<string>('words').toArray()
  for (const { name } of [ada, bob]) expect(words.filter((word) => word === name)).toHaveLength(turns)
})
