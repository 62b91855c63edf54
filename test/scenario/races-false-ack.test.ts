import { recordHash } from '@y-sealed/envelope'
import { type Down, hashPrefix, leafHash, nextHash, startHash } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patiently } from '../support/events.ts'
import { isGapless } from '../support/log-order.ts'
import { codesOf, nextSync } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

describe('an ack that is not true', () => {
  /** The relay never gets the next append; its sender is told that it is stored, with H as `lie` would have it. */
  function ackFalsely({ wire }: Person, lie: (trueHash: Uint8Array) => Uint8Array): void {
    let head: { sequence: number; hash: Uint8Array } = { sequence: 0, hash: new Uint8Array(32) }
    let isDone = false
    wire.rewrite('down', (messages) => {
      for (const message of messages) {
        if (message.type === 'opened') head = { sequence: 0, hash: startHash(recordHash(message.record)) }
      }
      return messages
    })
    wire.rewrite('up', (messages, socket) => {
      const [message] = messages
      if (isDone || message?.type !== 'append' || !('envelopes' in message)) return messages
      isDone = true
      const { channel, request, envelopes } = message
      const hash = envelopes.reduce(
        (before, { proof, envelope }) => nextHash(before, leafHash(proof, envelope)),
        head.hash,
      )
      const sequence = head.sequence + envelopes.length
      const ack: Down = {
        type: 'ack',
        channel,
        request,
        sequence,
        count: envelopes.length,
        hash: lie(hashPrefix(hash)),
      }
      setImmediate(() => socket.deliver([ack]))
      return []
    })
  }

  test('with another H: not believed; the edit stays in the outbox and is sent again', async () => {
    const alice = world.person('Alice', { expects: ['relay-fault'], connect: false })
    ackFalsely(alice, (hash) => hash.map((byte) => byte ^ 1))
    alice.provider.connect()
    await alice.provider.whenSynced
    alice.text.insert(0, 'not lost')
    await patiently(alice.provider.flush(), 'a true ack')
    expect(codesOf(alice)).toEqual(['relay-fault'])
    expect(await world.freshText()).toBe('not lost')
    expect(isGapless(await world.log())).toBe(true)
  })

  test('with the right H: believed until the next join shows that it was not stored, then said and sent again', async () => {
    const alice = world.person('Alice', { expects: ['rollback'], connect: false })
    ackFalsely(alice, (hash) => hash)
    alice.provider.connect()
    await alice.provider.whenSynced
    alice.text.insert(0, 'not lost')
    await alice.provider.flush()
    expect(await world.log()).toEqual([])
    const back = nextSync(alice)
    alice.wire.cut()
    await back
    await alice.provider.flush()
    expect(codesOf(alice)).toEqual(['rollback'])
    expect(await world.freshText()).toBe('not lost')
  })
})
