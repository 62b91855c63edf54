import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readTrace } from '../replay/trace.ts'
import { patiently } from '../support/events.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { heardBy, saidBy } from '../support/rotation-steps.ts'
import { sharedData } from '../support/shared-data.ts'
import { ofType, synced } from '../support/steps.ts'
import { startWorld, type World } from '../support/world.ts'

// What a document costs: its size, and never its history.

const TRACE = sharedData('automerge-paper.json.gz')
/** Checkpoints are made by the rule while people pause; whoever replays a year in seconds has to say when that was. */
const EDITS_PER_CHECKPOINT = 50_000

let world: World
afterEach(() => world.close())

describe.skipIf(TRACE === undefined)('a paper of 260,000 edits (automerge-paper.json.gz)', () => {
  it('at retention `head` is stored and opened at 1.1 times its size, whatever was deleted on the way', async () => {
    world = await startWorld({ data: 'disk', retention: 'head', relayLimits: { pruneGraceMs: 0, sweepMs: 10 } })
    const doc = new Y.Doc()
    doc.clientID = 1
    // Her witness is due in its time; on a slow machine that would be while this is measured.
    const ada = await world.joined('Ada', { doc, unsafeClock: new FakeClock(Date.now()) })
    const { transactions, endContent } = readTrace(TRACE as string)
    for (const [at, { patches }] of transactions.entries()) {
      doc.transact(() => {
        for (const [position, deleteCount, insert] of patches) {
          if (deleteCount > 0) ada.text.delete(position, deleteCount)
          if (insert !== '') ada.text.insert(position, insert)
        }
      })
      // Every hundredth keystroke somebody looks up from the keyboard.
      if (at % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
      if (at % EDITS_PER_CHECKPOINT === EDITS_PER_CHECKPOINT - 1)
        await patiently(ada.provider.compact(), 'a checkpoint')
    }
    await patiently(ada.provider.flush(), 'the last edit to be durable')
    await patiently(ada.provider.compact(), 'the last checkpoint')
    await patiently(
      world.untilUsage(({ historyEntries }) => historyEntries === 0),
      'the relay to drop what is replaced',
    )

    const sizeBytes = Y.encodeStateAsUpdate(doc).length
    const { entries, checkpointBytes, historyBytes } = await world.usage()
    expect([entries, historyBytes]).toEqual([0, 0])
    expect(checkpointBytes).toBeLessThanOrEqual(1.1 * sizeBytes)
    const reader = await world.joined('a cold reader')
    expect(reader.text.toString()).toBe(endContent)
    const readBytes = heardBy(reader).reduce(
      (sum, message) => sum + (message.type === 'checkpoint' ? chunkBytes(message) : 0),
      0,
    )
    expect(readBytes).toBe(checkpointBytes)
    expect(heardBy(reader).filter(ofType('entries'))).toEqual([])
  }, 60_000)
})

const chunkBytes = ({ chunks }: { chunks: readonly Uint8Array[] }): number =>
  chunks.reduce((sum, { length }) => sum + length, 0)

it('a thousand idle reconnects add nothing, and say nothing that would be stored', async () => {
  world = await startWorld({ data: 'disk' })
  const ada = await world.joined('Ada')
  ada.text.insert(0, 'hello')
  await ada.provider.flush()
  await ada.provider.compact()
  const before = await world.usage()
  const stored = ['append', 'stage', 'open', 'compact'] as const
  const saidBefore = saidBy(ada).filter(({ type }) => stored.some((each) => each === type)).length
  for (let reconnect = 0; reconnect < 1_000; reconnect++) {
    ada.provider.disconnect()
    ada.provider.connect()
    await synced(ada)
  }
  expect(await world.usage()).toEqual(before)
  expect(saidBy(ada).filter(({ type }) => stored.some((each) => each === type))).toHaveLength(saidBefore)
}, 60_000)
