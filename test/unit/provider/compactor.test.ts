import { beforeEach, describe, expect, it } from 'vitest'
import { Compactor } from '../../../packages/provider/src/checkpoint/compactor.ts'
import { openCheckpoint } from '../../../packages/provider/src/checkpoint/open-checkpoint.ts'
import { stateDigest } from '../../../packages/provider/src/checkpoint/state-digest.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { settle } from '../../support/fake-clock.ts'
import { Bench, firstEpoch, hashOf, placeOf, textOf } from './checkpoint-fixture.ts'

let epoch: Epoch
let bench: Bench
beforeEach(async () => {
  epoch = await firstEpoch()
  bench = new Bench()
  bench.desk.log(bench.desk.type('hello'))
})

/** One that has asked for the lease. */
function begun(of = epoch): Compactor {
  const compactor = new Compactor(bench.ports, of, placeOf(2, 3))
  compactor.begin()
  return compactor
}

const untilSaid = (type: 'compact' | 'stage' | 'release') =>
  bench.until(() => bench.said(type).length > 0, `${type} to be said`)
const untilEnded = () => bench.until(() => bench.ended.length > 0, 'it to end')

/** Answers each frame until the last one goes up. */
async function untilStored(compactor: Compactor): Promise<void> {
  for (let frames = 1; bench.said('compact').length === 0; frames++) {
    await bench.until(() => bench.said('stage').length + bench.said('compact').length >= frames, 'the next frame')
    if (bench.said('compact').length === 0) compactor.takes(bench.answer('staged'))
  }
}

describe('a checkpoint that is made', () => {
  it.each([5, 600_000])(
    'of %i letters says under seal where it stands, what it follows and what it holds',
    async (letters) => {
      bench.desk.log(bench.desk.type('x'.repeat(letters)))
      const compactor = begun()
      compactor.takes(bench.answer('leased'))
      await untilStored(compactor)
      const [compact] = bench.said('compact')
      if (compact === undefined) throw new Error('it was not stored')
      const envelopes = [...bench.said('stage'), compact].flatMap((message) => message.envelopes)
      const chunks = envelopes.map(({ envelope }) => envelope)
      const { manifest, update } = await openCheckpoint(epoch.keys, 0, chunks, compact.checkpoint)
      expect(textOf(update)).toBe(bench.desk.text.toString())
      expect(manifest).toEqual({
        sequence: 7,
        hash: hashOf(77),
        previous: hashOf(2),
        digest: await stateDigest(LogState.of(bench.desk.doc)),
        unixMs: bench.clock.now(),
      })
      expect(compact).toMatchObject({ sequence: 7, hash: hashOf(77), previous: hashOf(2) })
    },
  )

  it('is sealed where nothing before it is held back and no update is cut, and not sooner', async () => {
    bench.at.isWhole = false
    const compactor = begun()
    compactor.takes(bench.answer('leased'))
    bench.at.isWhole = true
    bench.at.cursor = 8
    compactor.read()
    await untilSaid('compact')
    expect(bench.said('compact').map(({ sequence }) => sequence)).toEqual([8])
  })

  it('is stored with its size, as the relay has said', async () => {
    const compactor = begun()
    compactor.takes(bench.answer('leased'))
    await untilSaid('compact')
    const { request = 0 } = bench.said('lease')[0] ?? {}
    compactor.takes({ type: 'compacted', channel: 1, request, place: placeOf(9, 7), named: false })
    const [compact] = bench.said('compact')
    const bytes = compact?.envelopes.reduce((sum, { envelope }) => sum + envelope.length, 0)
    expect(bench.stored).toEqual([{ checkpoint: compact?.checkpoint, sequence: 7, hash: hashOf(77), bytes }])
    expect(bench.ended).toEqual([{ is: 'stored' }])
    // The relay has taken the lease back with it.
    expect(bench.said('release')).toEqual([])
  })
})

describe('the lease is given back', () => {
  it('when another checkpoint was heard of while it was on its way, and nothing is sealed in vain', async () => {
    const compactor = begun()
    bench.isOvertaken = true
    compactor.takes(bench.answer('leased'))
    await untilEnded()
    await settle()
    expect(bench.types).toEqual(['lease', 'release'])
    expect(bench.ended).toEqual([{ is: 'busy', record: undefined }])
  })

  it('when sealing fails', async () => {
    const openingKey = () => Promise.reject(new Error('engine failed'))
    const compactor = begun({ ...epoch, keys: { ...epoch.keys, openingKey } })
    compactor.takes(bench.answer('leased'))
    await untilEnded()
    expect(bench.types).toEqual(['lease', 'release'])
    expect(bench.ended).toMatchObject([{ is: 'failed', error: new Error('engine failed') }])
  })

  it('when the checkpoint is over what the relay takes, and nothing of it goes up', async () => {
    bench.limits = { ...bench.limits, maxAppendBytes: 300_000 }
    bench.desk.log(bench.desk.type('x'.repeat(400_000)))
    const compactor = begun()
    compactor.takes(bench.answer('leased'))
    await bench.until(() => bench.ended.length > 0 || bench.said('stage').length > 0, 'it to end, or to go up')
    expect(bench.types).toEqual(['lease', 'release'])
    expect(bench.ended).toMatchObject([{ is: 'failed', error: { code: 'limit' } }])
  })

  it('when the relay refuses what is staged', async () => {
    const compactor = begun()
    compactor.takes(bench.answer('leased'))
    await untilSaid('compact')
    compactor.takes(bench.refusal('stale-checkpoint'))
    expect(bench.types).toEqual(['lease', 'compact', 'release'])
    expect(bench.ended).toMatchObject([{ is: 'stale-checkpoint' }])
  })

  it('when what was typed does not get into the log', async () => {
    bench.desk.type(' and nobody stores it')
    begun().takes(bench.answer('leased'))
    await bench.clock.advance(30_000)
    expect(bench.types).toEqual(['lease', 'release'])
    expect(bench.ended).toMatchObject([{ is: 'busy' }])
    expect(bench.clock.waiting).toBe(0)
  })

  it('but not when it was never had', () => {
    begun().takes(bench.refusal('busy'))
    expect(bench.types).toEqual(['lease'])
    expect(bench.ended).toMatchObject([{ is: 'busy' }])
  })
})

it('one that is stopped while it seals sends nothing more, and tells nobody', async () => {
  const compactor = begun()
  compactor.takes(bench.answer('leased'))
  compactor.stop()
  // Another one that is sealed after it has gone up by the time that it would have.
  const next = begun()
  next.takes(bench.answer('leased'))
  await untilSaid('compact')
  await settle()
  expect([bench.types, bench.ended, compactor.owed]).toEqual([['lease', 'lease', 'compact'], [], undefined])
})

it('an answer is owed while the relay has the turn', async () => {
  const compactor = begun()
  expect(compactor.owed).toBe('leasing 0')
  compactor.takes(bench.answer('leased'))
  expect(compactor.owed).toBeUndefined()
  await untilSaid('compact')
  expect(compactor.owed).toBe('storing 0')
})
