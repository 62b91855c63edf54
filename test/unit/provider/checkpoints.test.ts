import type { Witness } from '@y-sealed/envelope'
import type { Joined } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import type { History } from '../../../packages/provider/src/history/history.ts'
import type { Inbound } from '../../../packages/provider/src/inbound/inbound.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { Checkpoints } from '../../../packages/provider/src/session/checkpoints.ts'
import type { SessionPorts } from '../../../packages/provider/src/session/session-ports.ts'
import { settle } from '../../support/fake-clock.ts'
import { Bench, firstEpoch, hashOf, placeOf } from './checkpoint-fixture.ts'

// What a session does with checkpoints, as far as its parts have to fit together.

let epoch: Epoch
let bench: Bench
let checkpoints: Checkpoints
const inbound = { cursor: 0, hash: hashOf(77), isHolding: false, isInParts: false, isSure: true }

beforeEach(async () => {
  epoch = await firstEpoch()
  bench = new Bench()
  Object.assign(inbound, { cursor: 7, isHolding: false, isInParts: false, isSure: true })
  bench.desk.log(bench.desk.type('hello'))
  const { clock, ports } = bench
  const session = {
    doc: bench.desk.doc,
    origin: bench,
    clock,
    padding: true,
    problems: new Problems(clock, () => {}),
    outbox: { isEmpty: true },
  }
  checkpoints = new Checkpoints({
    // Nothing else of them is asked for here.
    session: session as unknown as SessionPorts,
    inbound: inbound as unknown as Inbound,
    logState: bench.desk.logState,
    requests: ports,
    history: () => ({}) as History,
    isHead: () => true,
    liveEpoch: () => epoch,
    onRecord: () => {},
    onMade: () => {},
    heal: () => {},
    witness: (_: () => Witness | undefined) => {},
  })
})
afterEach(() => checkpoints.stop())

const joined: Joined = {
  type: 'joined',
  channel: 1,
  session: 1,
  role: 'write',
  sequence: 7,
  hash: new Uint8Array(8),
  confirmed: true,
  pruned: 0,
  newest: placeOf(3, 5),
  records: [],
}

const untilCompact = () => bench.until(() => bench.said('compact').length > 0, 'the checkpoint')

describe('a checkpoint', () => {
  it.each([
    ['holds back what stands before it', 'isHolding'],
    ['is in the middle of an update', 'isInParts'],
  ])('is not made where the reader %s', async (_, what) => {
    Object.assign(inbound, { [what]: true })
    checkpoints.entered(epoch)
    checkpoints.compact().catch(() => {})
    checkpoints.takes(bench.answer('leased'))
    Object.assign(inbound, { cursor: 8, [what]: false })
    checkpoints.progress()
    await untilCompact()
    expect(bench.said('compact').map(({ sequence }) => sequence)).toEqual([8])
  })

  it('that a rotation interrupts is not gone on with', async () => {
    checkpoints.entered(epoch)
    checkpoints.compact().catch(() => {})
    checkpoints.takes(bench.answer('leased'))
    checkpoints.yield()
    expect(checkpoints.owed).toBeUndefined()
    // It came to nothing: the checkpoint is made from its beginning.
    inbound.cursor = 8
    await bench.clock.advance(20_000)
    expect(bench.types).toEqual(['lease', 'lease'])
    checkpoints.takes(bench.answer('leased'))
    await untilCompact()
    expect(bench.said('compact').map(({ sequence }) => sequence)).toEqual([8])
  })
})

describe('what the relay owes an answer to', () => {
  it('is a checkpoint that is fetched, and then nothing', () => {
    checkpoints.joined(joined)
    checkpoints.prefetch(epoch)
    expect(checkpoints.owed).toBe('checkpoint')
    const [fetch] = bench.said('fetch')
    expect(fetch).toMatchObject({ checkpoint: hashOf(3), first: 1, last: 0 })
    const { request = 0 } = fetch ?? {}
    checkpoints.takes({ type: 'checkpoint', channel: 1, request, first: 1, total: 1, chunks: [new Uint8Array(9)] })
    expect(checkpoints.owed).toBeUndefined()
  })

  it('is a lease', () => {
    checkpoints.entered(epoch)
    checkpoints.compact().catch(() => {})
    expect(checkpoints.owed).toBe('leasing 0')
  })
})

it('a checkpoint that was asked for beside the key is not asked for again', async () => {
  checkpoints.joined(joined)
  checkpoints.prefetch(epoch)
  const loaded = checkpoints.load.load(
    epoch,
    () => false,
    () => true,
  )
  await settle()
  expect(bench.said('fetch')).toHaveLength(1)
  checkpoints.stop()
  expect(await loaded).toMatchObject({ code: 'interrupted' })
})
