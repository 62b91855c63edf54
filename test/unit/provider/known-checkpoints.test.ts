import type { EpochRecord } from '@y-sealed/envelope'
import type { Joined, Place } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { KnownCheckpoints } from '../../../packages/provider/src/checkpoint/known-checkpoints.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'

const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const place = (n: number, sequence: number, bytes = 1_000): Place => ({
  checkpoint: hash(n),
  sequence,
  hash: hash(100 + n),
  bytes,
})

/** An epoch that begins after `prevSequence`, with a checkpoint or empty (0). */
function epochAt(prevSequence: number, checkpoint: number): Epoch {
  const parsed = { prevSequence, checkpoint: hash(checkpoint) } as EpochRecord
  // Nothing else of an epoch is looked at.
  return { parsed, startHash: hash(200), hash: hash(201) } as Epoch
}

const joined = (newest?: Place, base?: Place, pruned = 0): Joined => ({
  type: 'joined',
  channel: 1,
  session: 1,
  role: 'write',
  sequence: 100,
  hash: new Uint8Array(8),
  confirmed: true,
  pruned,
  ...(newest && { newest }),
  ...(base && { base }),
  records: [],
})

const started = (sequence: number, checkpoint: number | undefined) => ({
  sequence,
  hash: hash(1),
  checkpoint: checkpoint === undefined ? undefined : hash(checkpoint),
  update: undefined,
})

describe('where an epoch can be begun', () => {
  const numbersOf = (places: ReadonlyArray<Place | undefined>) => places.map((each) => each?.checkpoint[0])

  it.each<[string, Joined, number, boolean, (number | undefined)[]]>([
    ['the newest, then the base, then its start', joined(place(3, 30), place(2, 20)), 0, true, [3, 2, undefined]],
    ['with the one that it began with as the last', joined(place(3, 30), place(2, 20)), 1, true, [3, 2, 1]],
    ['the newest is the base', joined(place(3, 30), place(3, 30)), 0, true, [3, undefined]],
    ['its beginning is not kept', joined(place(3, 30), place(2, 20), 15), 0, true, [3, 2]],
    ['there is none yet', joined(), 0, true, [undefined]],
    ['only the one that it began with', joined(place(1, 5), place(1, 5)), 1, true, [1]],
    ['it is not the relay’s newest', joined(place(3, 30), place(2, 20)), 1, false, [1]],
  ])('%s', (_, message, first, isHead, expected) => {
    const known = new KnownCheckpoints()
    known.joined(message, 0)
    expect(numbersOf(known.placesOf(epochAt(5, first), isHead))).toEqual(expected)
  })
})

describe('who vouches for the newest', () => {
  function begun(newest: Place, base: Place | undefined, openedFrom: number | undefined): KnownCheckpoints {
    const known = new KnownCheckpoints()
    known.joined(joined(newest, base), 0)
    known.began(epochAt(0, 0), started(newest.sequence, openedFrom))
    return known
  }

  it('nobody yet; the relay says that it counts as named, or an older one', () => {
    const known = begun(place(3, 30), place(2, 20), 3)
    expect([known.isNewestNamed, known.isOpenedFromNewest]).toEqual([false, true])
    known.stored(place(2, 20), true, 30)
    expect(known.isNewestNamed).toBe(false)
    known.stored(place(3, 30), true, 30)
    expect([known.isNewestNamed, known.base?.checkpoint[0]]).toEqual([true, 3])
  })

  it('the relay has nothing left to compare it with', () => {
    expect(begun(place(3, 30), place(3, 30), 3).isNewestNamed).toBe(true)
  })

  it('there is none, so nobody has to', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(), 0)
    expect(known.isNewestNamed).toBe(true)
  })

  it('one’s own is somebody else’s to name', () => {
    const known = begun(place(2, 20), place(2, 20), 2)
    known.made(place(3, 30), false, 30)
    expect([known.isNewestOwn, known.isNewestNamed, known.isOpenedFromNewest]).toEqual([true, false, false])
    known.stored(place(4, 40), false, 40)
    expect(known.isNewestOwn).toBe(false)
  })
})

describe('the log behind the newest', () => {
  it('is counted from where it stands, whoever made it', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(), 0)
    known.began(epochAt(0, 0), started(0, undefined))
    for (let sequence = 1; sequence <= 10; sequence++) known.took(sequence, 100)
    expect(known.tail).toEqual({ entries: 10, bytes: 1_000 })
    known.stored(place(2, 8), false, 10)
    expect(known.tail).toEqual({ entries: 2, bytes: 200 })
    known.took(11, 100)
    expect(known.tail).toEqual({ entries: 3, bytes: 300 })
  })

  it('is counted anew from one that was made while this client was away', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(), 0)
    known.began(epochAt(0, 0), started(0, undefined))
    for (let sequence = 1; sequence <= 10; sequence++) known.took(sequence, 100)
    known.joined(joined(place(2, 9), undefined), 10)
    expect([known.tail, known.covered]).toEqual([{ entries: 1, bytes: 100 }, 9])
  })

  it('of a checkpoint that is older than the newest nothing is changed', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(place(3, 30), place(2, 20)), 0)
    known.stored(place(1, 10), false, 40)
    expect(known.newest?.checkpoint[0]).toBe(3)
  })

  it('what stands before the newest is not counted, for a reader who had to begin further back', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(place(3, 30), place(2, 20)), 0)
    known.began(epochAt(0, 0), started(20, 2))
    known.took(25, 100)
    known.took(31, 100)
    expect(known.tail).toEqual({ entries: 1, bytes: 100 })
  })

  it('begins anew with the next epoch, whose checkpoint the relay may have told of before', () => {
    const known = new KnownCheckpoints()
    known.joined(joined(place(3, 30), place(3, 30)), 0)
    known.began(epochAt(0, 0), started(30, 3))
    known.took(31, 100)
    known.stored(place(4, 31, 5_000), true, 31)
    known.entered(epochAt(31, 4))
    expect([known.newest?.bytes, known.tail.entries, known.isOpenedFromNewest]).toEqual([5_000, 0, false])
    // Its record names it: nobody has to vouch for it.
    expect(known.isNewestNamed).toBe(true)
    known.entered(epochAt(60, 5))
    expect([known.newest?.checkpoint[0], known.base?.checkpoint[0]]).toEqual([5, 5])
    known.entered(epochAt(90, 0))
    expect(known.newest).toBeUndefined()
  })
})
