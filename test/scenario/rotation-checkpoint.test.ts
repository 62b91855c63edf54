import { parseEpochRecord } from '@y-sealed/envelope'
import type { Checkpoint, Down } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { sealCheckpoint } from '../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keptKeys } from '../support/removed-member.ts'
import { passUntil, saidBy } from '../support/rotation-steps.ts'
import { codesOf, someProblem, synced } from '../support/steps.ts'
import { flipped, retell } from '../support/two-faced-relay.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

// What a relay can do with the checkpoint that an epoch begins with: only the one that its record names gets into a document.

let world: World
let clock: FakeClock
beforeEach(async () => {
  clock = new FakeClock(Date.now())
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

describe('the checkpoint of an epoch', () => {
  const LONG = 'x'.repeat(300 * 1024)

  /** Two epochs with a checkpoint of two chunks each; Carol has never been here. */
  async function longDocument(): Promise<{ ada: Person; carol: Person; older: Uint8Array[] }> {
    const ada = await world.joined('Ada')
    ada.text.insert(0, LONG)
    await ada.provider.rotateKey()
    const older: Uint8Array[] = []
    const witness = world.person('Walter', { connect: false })
    retell(witness, (message) => {
      if (message.type === 'checkpoint') older.push(...message.chunks)
      return [message]
    })
    witness.provider.connect()
    await witness.provider.whenSynced
    await ada.provider.rotateKey()
    const carol = world.person('Carol', {
      unsafeClock: clock,
      connect: false,
      expects: ['tampered', 'withheld', 'relay-fault'],
    })
    return { ada, carol, older }
  }

  type Retold = (whole: Checkpoint, older: Uint8Array[]) => readonly Down[]
  const chunksOf = (whole: Checkpoint, chunks: Uint8Array[]): Down[] => [
    { ...whole, first: 1, total: chunks.length, chunks },
  ]
  const lies: [string, string, Retold][] = [
    ['its chunks swapped', 'tampered', (whole) => chunksOf(whole, [...whole.chunks].reverse())],
    [
      'a bit of it flipped',
      'tampered',
      (whole) =>
        chunksOf(
          whole,
          whole.chunks.map((chunk) => flipped(chunk, 100)),
        ),
    ],
    ['its last chunk left out', 'tampered', (whole) => chunksOf(whole, whole.chunks.slice(0, 1))],
    ['a chunk too many', 'tampered', (whole) => chunksOf(whole, [...whole.chunks, ...whole.chunks.slice(1)])],
    [
      'a chunk of the epoch before',
      'tampered',
      (whole, [, last]) => chunksOf(whole, [...whole.chunks.slice(0, 1), last as Uint8Array]),
    ],
    ['all chunks of the epoch before', 'tampered', (whole, older) => chunksOf(whole, older)],
    ['its first chunk twice', 'relay-fault', (whole) => Array(2).fill({ ...whole, chunks: whole.chunks.slice(0, 1) })],
    ['its second chunk first', 'relay-fault', (whole) => [{ ...whole, first: 2, chunks: whole.chunks.slice(1) }]],
    [
      'a number of chunks that changes',
      'relay-fault',
      (whole) => [
        { ...whole, chunks: whole.chunks.slice(0, 1) },
        { ...whole, first: 2, total: 3, chunks: whole.chunks.slice(1) },
      ],
    ],
    [
      'the answer that there is none',
      'withheld',
      ({ channel, request }) => [{ type: 'refused', channel, request, code: 'unknown', detail: '' }],
    ],
    ['no answer at all', 'relay-fault', () => []],
  ]

  test.each(lies)(
    'is shown with %s: %s; nothing of it gets into the document, and the true one does',
    async (_, code, lie) => {
      const { carol, older } = await longDocument()
      let shown: Uint8Array[] = []
      retell(carol, (message) => {
        if (message.type !== 'checkpoint') return [message]
        shown = [...(message.first === 1 ? [] : shown), ...message.chunks]
        return shown.length < message.total ? [] : lie({ ...message, first: 1, chunks: shown }, older)
      })
      carol.text.insert(0, 'mine. ')
      carol.provider.connect()
      await passUntil(someProblem(carol), [clock])
      await clock.advance(1_000)
      expect(codesOf(carol)).toEqual([code])
      expect(carol.text.toString()).toBe('mine. ')
      expect(carol.provider.synced).toBe(false)
      expect(saidBy(carol).map(({ type }) => type)).not.toContain('append')
      carol.wire.rewrite('down', undefined)
      await passUntil(synced(carol), [clock])
      expect(carol.text.length).toBe(LONG.length + 6)
      await passUntil(carol.provider.flush(), [clock])
      expect((await world.joined('fresh reader')).text.length).toBe(LONG.length + 6)
    },
  )

  test('is shown as another one, which a member has sealed with the keys of the epoch: not the one that the record names', async () => {
    const { carol } = await longDocument()
    const record = (await world.records()).at(-1) as Uint8Array
    const other = new Y.Doc()
    other.getText('text').insert(0, 'another text')
    const { chunks } = await sealCheckpoint({
      keys: await keptKeys(world, record),
      epochIndex: 2,
      padding: true,
      clock,
      manifest: {
        sequence: 1,
        hash: parseEpochRecord(record).prevHash,
        previous: undefined,
        digest: new Uint8Array(32),
        unixMs: clock.now(),
      },
      update: Y.encodeStateAsUpdate(other),
    })
    retell(carol, (message) => {
      if (message.type !== 'checkpoint') return [message]
      return message.first === 1 ? chunksOf(message, chunks) : []
    })
    carol.provider.connect()
    await passUntil(someProblem(carol), [clock])
    expect(codesOf(carol)).toEqual(['tampered'])
    expect(carol.text.toString()).toBe('')
    carol.wire.rewrite('down', undefined)
    await passUntil(synced(carol), [clock])
    expect(carol.text.toString()).toBe(LONG)
  })
})
