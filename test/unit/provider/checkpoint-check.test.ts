import type { Witness } from '@y-sealed/envelope'
import type { Place } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { CheckpointCheck } from '../../../packages/provider/src/checkpoint/checkpoint-check.ts'
import { KnownCheckpoints } from '../../../packages/provider/src/checkpoint/known-checkpoints.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import type { History } from '../../../packages/provider/src/history/history.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { SealedError } from '../../../packages/provider/src/sealed-error.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { Desk, firstEpoch, hashOf, placeOf, updateBy } from './checkpoint-fixture.ts'

// Who compares a checkpoint with the log, when, and what they say of it (protocol §7).

const MINUTE_MS = 60_000

let epoch: Epoch
let member: Member
beforeEach(async () => {
  epoch = await firstEpoch()
  member = new Member()
})
afterEach(() => member.check.stop())

/** One that begins empty, behind the log of another. */
const epochAfter = (prevSequence: number): Epoch => ({ ...epoch, parsed: { ...epoch.parsed, prevSequence } })

/** Has read the log through 10, beginning with its empty start; the newest checkpoint stands at 8, and nobody vouches for it. */
class Member {
  readonly clock = new FakeClock()
  readonly desk = new Desk()
  readonly known = new KnownCheckpoints()
  readonly told: string[] = []
  readonly at = { cursor: 10, hash: hashOf(77), isWhole: true }
  /** Which checkpoints the log was read again from. */
  readonly rebuiltFrom: (Place | undefined)[] = []
  isLive = true
  isSettled = true
  heals = 0
  /** What the log gives that is read again; by default, what this member has read. */
  rebuild: () => Promise<Y.Doc> = async () => {
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(this.desk.doc))
    return other
  }
  readonly problems = new Problems(this.clock, ({ code }) => this.told.push(code))
  readonly check: CheckpointCheck
  #makers: (() => Witness | undefined)[] = []

  constructor() {
    const { clock, desk, known, problems } = this
    known.entered(epoch)
    known.stored(placeOf(2, 4), true, 10)
    known.stored(placeOf(3, 8), false, 10)
    desk.log(desk.type('hello'))
    const history = {
      rebuild: (_: Epoch, from: Place | undefined) => {
        this.rebuiltFrom.push(from)
        return this.rebuild()
      },
    }
    this.check = new CheckpointCheck({
      doc: desk.doc,
      origin: this,
      logState: desk.logState,
      known,
      clock,
      problems,
      // Nothing else of a history is asked for.
      history: () => history as unknown as History,
      liveEpoch: () => (this.isLive ? epoch : undefined),
      reader: () => this.at,
      heal: () => {
        this.heals++
        this.isSettled = false
      },
      isSettled: () => this.isSettled,
      witness: (make) => this.#makers.push(make),
    })
  }

  /** The append of this member is in the log; longer than any lot goes by. */
  async appends(): Promise<void> {
    this.check.appended()
    await this.clock.advance(2 * MINUTE_MS)
  }

  /** What is sealed next, if anything. */
  get witnesses(): (Witness | undefined)[] {
    const makers = this.#makers
    this.#makers = []
    return makers.map((make) => make())
  }
}

describe('the newest checkpoint is compared with the log', () => {
  it('within a minute, by who has written, and named', async () => {
    member.check.appended()
    await member.clock.advance(MINUTE_MS)
    expect(member.rebuiltFrom).toEqual([placeOf(3, 8)])
    const unixMs = member.clock.now()
    expect(member.witnesses).toEqual([{ sequence: 10, hash: hashOf(77), checkpoint: hashOf(3), unixMs }])
    expect(member.problems.counters).toMatchObject({ 'checkpoints-checked': 1, 'checkpoints-named': 1 })
    // Once is enough.
    await member.appends()
    expect([member.rebuiltFrom.length, member.witnesses]).toEqual([1, []])
  })

  const nots: [string, (member: Member) => unknown][] = [
    ['who cannot write now', (each) => Object.assign(each, { isLive: false })],
    ['its author', (each) => each.known.made(placeOf(4, 9), false, 10)],
    ['anybody, when the relay counts it as named', (each) => each.known.stored(placeOf(3, 8), true, 10)],
    ['who has not read as far', (each) => Object.assign(each.at, { cursor: 7 })],
    ['who holds something back that stands before it', (each) => Object.assign(each.at, { isWhole: false })],
  ]
  it.each(nots)('but not by %s', async (_, change) => {
    change(member)
    await member.appends()
    expect([member.rebuiltFrom, member.witnesses]).toEqual([[], []])
  })

  it('but not by who has only read', async () => {
    member.check.look()
    await member.clock.advance(2 * MINUTE_MS)
    expect([member.rebuiltFrom, member.witnesses]).toEqual([[], []])
  })

  it('by who has drawn a lot only if there is still something to compare when it is their turn', async () => {
    member.check.appended()
    member.known.stored(placeOf(3, 8), true, 10)
    await member.clock.advance(2 * MINUTE_MS)
    expect([member.rebuiltFrom, member.witnesses]).toEqual([[], []])
  })

  it('as soon as what stood in the way is gone', async () => {
    member.at.isWhole = false
    await member.appends()
    member.at.isWhole = true
    member.check.look()
    await member.clock.advance(MINUTE_MS)
    expect(member.witnesses).toHaveLength(1)
  })

  it('from the one before, where this member began with the newest', async () => {
    member.known.began(epoch, { ...placeOf(3, 8), update: undefined })
    member.known.stored(placeOf(2, 4), true, 10)
    member.known.stored(placeOf(3, 8), false, 10)
    await member.appends()
    expect(member.rebuiltFrom).toEqual([placeOf(2, 4)])
  })
})

describe('a checkpoint that was found good is named', () => {
  it('when everything that was to be published is in the log, and not sooner', async () => {
    member.isSettled = false
    await member.appends()
    expect([member.rebuiltFrom.length, member.witnesses]).toEqual([1, []])
    member.isSettled = true
    member.at.cursor = 12
    await member.appends()
    expect(member.witnesses).toMatchObject([{ sequence: 12, checkpoint: hashOf(3) }])
  })

  const meanwhiles: [string, (member: Member) => void][] = [
    ['somebody else has named it', (each) => each.known.stored(placeOf(3, 8), true, 10)],
    ['there is a newer one', (each) => each.known.stored(placeOf(4, 9), false, 10)],
    ['another epoch has begun with none', (each) => each.known.entered(epochAfter(20))],
  ]
  it.each(meanwhiles)('unless %s before the witness is sealed', async (_, change) => {
    await member.appends()
    change(member)
    expect(member.witnesses).toEqual([undefined])
    expect(member.problems.counters['checkpoints-named']).toBeUndefined()
  })

  it('where the reader stands when it is sealed', async () => {
    await member.appends()
    member.at.cursor = 15
    member.at.hash = hashOf(78)
    expect(member.witnesses).toMatchObject([{ sequence: 15, hash: hashOf(78) }])
  })

  it('unless the reader has begun anew before it was compared', async () => {
    let give = (_: Y.Doc): void => {}
    member.rebuild = () =>
      new Promise((resolve) => {
        give = resolve
      })
    await member.appends()
    member.check.leave()
    give(new Y.Doc())
    await member.clock.advance(0)
    expect([member.witnesses, member.told, member.heals]).toEqual([[], [], 0])
    expect(member.desk.logState.isEmpty).toBe(false)
  })
})

describe('a checkpoint that is not the log', () => {
  it('lacks something: that is told, published again, and only then is it named', async () => {
    member.rebuild = async () => new Y.Doc()
    await member.appends()
    expect([member.told, member.heals, member.witnesses]).toEqual([['checkpoint-incomplete'], 1, []])
    expect(member.desk.logState.isEmpty).toBe(true)
    member.isSettled = true
    await member.appends()
    expect(member.witnesses).toMatchObject([{ checkpoint: hashOf(3) }])
  })

  it('holds something more: that is told, and published for all', async () => {
    member.rebuild = async () => {
      const other = new Y.Doc()
      Y.applyUpdate(other, Y.encodeStateAsUpdate(member.desk.doc))
      Y.applyUpdate(other, updateBy(9, 'never in the log. '))
      return other
    }
    await member.appends()
    expect([member.told, member.heals]).toEqual([['member-fault'], 1])
    expect(member.desk.text.toString()).toContain('never in the log. ')
  })

  it.each(['interrupted', 'pruned', 'withheld'] as const)(
    'cannot be told when the log is %s: nobody is alarmed',
    async (code) => {
      member.rebuild = () => Promise.reject(new SealedError(code, 'no luck', 'history'))
      await member.appends()
      expect([member.told, member.witnesses]).toEqual([[], []])
    },
  )

  it.each([
    [new SealedError('fork', 'another history', 'history'), 'fork'],
    [new Error('secret words'), 'internal'],
  ])('cannot be read (%s): that is told', async (error, code) => {
    member.rebuild = () => Promise.reject(error)
    await member.appends()
    expect([member.told, member.witnesses]).toEqual([[code], []])
  })
})
