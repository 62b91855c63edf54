import { type Opened, PART_BODY_BYTES } from '@y-sealed/envelope'
import { describe, expect, it } from 'vitest'
import { type LoggedUpdate, SealerOrder } from '../../../packages/provider/src/inbound/sealer-order.ts'
import { below, seededRandom } from '../../support/random.ts'

let unusable = 0
const newOrder = (): SealerOrder => {
  unusable = 0
  return new SealerOrder(() => unusable++)
}

const envelope = (salt: number, counter: number, more = false, continues = false): Opened => ({
  kind: 1,
  epochIndex: 0,
  salt: new Uint8Array(16).fill(salt),
  counter,
  more,
  continues,
  padded: false,
  repair: false,
  codec: 1,
  body: Uint8Array.of(salt, counter),
  final: false,
})

const numbers = (updates: LoggedUpdate[]): number[] => updates.map(({ update }) => update[1] ?? -1)

describe('an entry that does not open, and says whose it is', () => {
  const salt = new Uint8Array(16).fill(1)

  it('nothing waits for it, whether what is behind it comes later or is held back already', () => {
    const order = newOrder()
    expect(order.noteUnusable(salt, 1)).toEqual([])
    expect(numbers(order.accept(envelope(1, 2), 0).updates)).toEqual([2])
    expect(order.accept(envelope(1, 4), 0).held).toBe(true)
    expect(numbers(order.noteUnusable(salt, 3))).toEqual([4])
    expect(order.isHolding).toBe(false)
  })

  it('two of them, one behind the other', () => {
    const order = newOrder()
    expect(numbers(order.accept(envelope(1, 1), 0).updates)).toEqual([1])
    order.noteUnusable(salt, 3)
    order.noteUnusable(salt, 2)
    expect(numbers(order.accept(envelope(1, 4), 0).updates)).toEqual([4])
  })

  it('a claim that is a lie costs nothing: the true one is taken when it comes, and no other waits for less', () => {
    const order = newOrder()
    order.noteUnusable(salt, 1)
    order.noteUnusable(salt, 7)
    expect(numbers(order.accept(envelope(1, 2), 0).updates)).toEqual([2])
    expect(numbers(order.accept(envelope(1, 1), 0).updates)).toEqual([1])
    expect(order.accept(envelope(2, 2), 0).held).toBe(true)
    expect(order.accept(envelope(1, 4), 0).held).toBe(true)
  })

  it('a flood of claims is bounded', () => {
    const order = newOrder()
    for (let counter = 1; counter <= 5_000; counter++) order.noteUnusable(salt, counter)
    expect(order.accept(envelope(1, 1_025), 0).held).toBe(false)
    expect(order.accept(envelope(1, 1_027), 0).held).toBe(true)
  })
})

describe('behind a checkpoint', () => {
  it('the first counter seen of a sealer is its start, and from there nothing is left out', () => {
    const order = newOrder()
    order.clear(true)
    expect(numbers(order.accept(envelope(1, 57), 0).updates)).toEqual([57])
    expect(order.accept(envelope(1, 59), 0).held).toBe(true)
    expect(numbers(order.accept(envelope(1, 58), 0).updates)).toEqual([58, 59])
    expect(order.accept(envelope(1, 3), 0).replayed).toBe(true)
    expect(numbers(order.accept(envelope(2, 1), 0).updates)).toEqual([1])
  })

  it('at the beginning of an epoch a sealer starts at 1 again', () => {
    const order = newOrder()
    order.clear(true)
    order.clear()
    expect(order.accept(envelope(1, 57), 0).held).toBe(true)
  })

  it('no checkpoint may stand between two parts of an update', () => {
    const order = newOrder()
    expect(order.isInParts).toBe(false)
    order.accept(envelope(1, 1, true, false), 0)
    expect(order.isInParts).toBe(true)
    order.accept(envelope(1, 2, false, true), 0)
    expect(order.isInParts).toBe(false)
    // Somebody who never finishes keeps nobody from making one.
    order.accept(envelope(2, 1, true, false), 0)
    order.accept(envelope(1, 3), 0)
    expect(order.isInParts).toBe(false)
  })
})

describe('the order of one sealer', () => {
  it('takes what comes next and counts a replay without applying it', () => {
    const order = newOrder()
    expect(numbers(order.accept(envelope(1, 1), 0).updates)).toEqual([1])
    expect(order.accept(envelope(1, 1), 0)).toEqual({ updates: [], replayed: true, held: false })
    expect(numbers(order.accept(envelope(1, 2), 0).updates)).toEqual([2])
  })

  it('holds back behind a hole, only that sealer, and releases in order', () => {
    const order = newOrder()
    expect(order.accept(envelope(1, 3), 0).held).toBe(true)
    expect(order.accept(envelope(1, 2), 0).held).toBe(true)
    expect(numbers(order.accept(envelope(2, 1), 0).updates)).toEqual([1])
    expect(numbers(order.accept(envelope(1, 1), 0).updates)).toEqual([1, 2, 3])
    expect(order.isHolding).toBe(false)
  })

  it('gives up a hole in counter order, and still takes a late original once', () => {
    const order = newOrder()
    order.accept(envelope(1, 5), 0)
    order.accept(envelope(1, 3), 0)
    expect(numbers(order.giveUp())).toEqual([3, 5])
    expect(order.isHolding).toBe(false)
    expect(numbers(order.accept(envelope(1, 4), 0).updates)).toEqual([4])
    expect(order.accept(envelope(1, 4), 0).replayed).toBe(true)
    expect(numbers(order.accept(envelope(1, 6), 0).updates)).toEqual([6])
  })

  it('joins parts and yields nothing before the last one', () => {
    const order = newOrder()
    const whole = (counter: number, more: boolean, continues: boolean): Opened => ({
      ...envelope(1, counter, more, continues),
      body: new Uint8Array(PART_BODY_BYTES).fill(counter),
    })
    expect(order.accept(whole(1, true, false), 0).updates).toEqual([])
    expect(order.accept(whole(2, true, true), 0).updates).toEqual([])
    const [update] = order.accept(envelope(1, 3, false, true), 0).updates
    expect(update?.update).toHaveLength(2 * PART_BODY_BYTES + 2)
    expect(unusable).toBe(0)
  })

  it('parts that do not fit together make no update, and what follows them is not lost', () => {
    const order = newOrder()
    // Another length than a part has; a last part without a first; a whole update in the middle of parts.
    order.accept(envelope(1, 1, true), 0)
    expect(order.accept(envelope(1, 2, false, true), 0).updates).toEqual([])
    expect(order.accept(envelope(1, 3, false, true), 0).updates).toEqual([])
    order.accept(envelope(1, 4, true), 0)
    expect(numbers(order.accept(envelope(1, 5), 0).updates)).toEqual([5])
    expect(unusable).toBe(3)
    expect(numbers(order.accept(envelope(1, 6), 0).updates)).toEqual([6])
  })

  it('says when it holds more than a document may make it hold', () => {
    const order = newOrder()
    for (let counter = 2; counter <= 1026; counter++) order.accept(envelope(1, counter), 0)
    expect(order.isOverfull).toBe(true)
    expect(order.giveUp()).toHaveLength(1025)
    expect(order.isOverfull).toBe(false)
  })

  it('delivers every shuffle with duplicates exactly once and in order per sealer (seed sealer-order-1)', () => {
    const random = seededRandom('sealer-order-1')
    for (let round = 0; round < 100; round++) {
      const order = newOrder()
      const all = [1, 2, 3].flatMap((salt) => Array.from({ length: 20 }, (_, i) => envelope(salt, i + 1)))
      const arrivals = [...all, ...all.slice(0, 15)].sort(() => random() - 0.5)
      arrivals.splice(below(random, arrivals.length), 0, envelope(2, 1))
      const applied = arrivals.flatMap((opened) => order.accept(opened, 0).updates)
      expect(applied).toHaveLength(60)
      for (const salt of [1, 2, 3]) {
        expect(applied.filter(({ update }) => update[0] === salt).map(({ update }) => update[1])).toEqual(
          Array.from({ length: 20 }, (_, i) => i + 1),
        )
      }
    }
  })
})
