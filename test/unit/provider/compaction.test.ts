import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Compaction } from '../../../packages/provider/src/checkpoint/compaction.ts'
import { KnownCheckpoints } from '../../../packages/provider/src/checkpoint/known-checkpoints.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { SealedError } from '../../../packages/provider/src/sealed-error.ts'
import { Bench, firstEpoch } from './checkpoint-fixture.ts'

// When a checkpoint is made (protocol §7): while nobody types, and not again and again where it failed.

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
/** Between two looks at the rule, at most. */
const LOOK_MS = 10 * SECOND_MS

let epoch: Epoch
let room: Room
beforeEach(async () => {
  epoch = await firstEpoch()
  room = new Room()
})
afterEach(() => room.compaction.stop())

class Room {
  readonly bench = new Bench()
  readonly known = new KnownCheckpoints()
  readonly told: string[] = []
  readonly records: Uint8Array[] = []
  isLive = true
  readonly compaction: Compaction

  constructor() {
    const { bench, known, told, records } = this
    known.entered(epoch)
    bench.at.cursor = 0
    bench.desk.log(bench.desk.type('hello'))
    this.compaction = new Compaction({
      ...bench.ports,
      known,
      problems: new Problems(bench.clock, ({ code }) => told.push(code)),
      liveEpoch: () => (this.isLive ? epoch : undefined),
      onRecord: (record) => void records.push(record),
      onMade: () => {},
    })
  }

  /** That much log comes in at once. */
  receives(bytes: number): void {
    this.bench.at.cursor++
    this.known.took(this.bench.at.cursor, bytes)
    this.compaction.taken()
  }

  /** The user types without a pause. */
  async typesFor(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += SECOND_MS) {
      this.compaction.typed()
      await this.bench.clock.advance(SECOND_MS)
    }
  }

  get leases(): number {
    return this.bench.said('lease').length
  }

  refuses(code: 'busy' | 'limit' | 'stale-checkpoint'): void {
    this.compaction.takes(this.bench.refusal(code))
  }
}

/** Worth an upload even while people write. */
const MUCH = 400_000
/** Worth one in a quiet room only. */
const SOME = 50_000

describe('a tail that is due', () => {
  it('is compacted while others write, at the next look', async () => {
    room.receives(MUCH)
    expect(room.leases).toBe(0)
    await room.bench.clock.advance(LOOK_MS)
    expect(room.leases).toBe(1)
  })

  it('waits while the user types, and no longer', async () => {
    room.receives(MUCH)
    await room.typesFor(30 * SECOND_MS)
    expect(room.leases).toBe(0)
    await room.bench.clock.advance(2 * SECOND_MS + LOOK_MS)
    expect(room.leases).toBe(1)
  })

  it('does not wait for ever for somebody who never stops typing', async () => {
    room.receives(MUCH)
    await room.typesFor(2 * MINUTE_MS)
    expect(room.leases).toBe(1)
  })

  it('and is small, waits until nobody has written for half a minute', async () => {
    room.receives(SOME)
    for (let writes = 0; writes < 10; writes++) {
      await room.bench.clock.advance(20 * SECOND_MS)
      room.receives(1)
    }
    expect(room.leases).toBe(0)
    await room.bench.clock.advance(30 * SECOND_MS + LOOK_MS)
    expect(room.leases).toBe(1)
  })

  it('is left alone while the session is not live', async () => {
    room.isLive = false
    room.receives(MUCH)
    await room.bench.clock.advance(2 * MINUTE_MS)
    expect(room.leases).toBe(0)
    room.isLive = true
    room.compaction.live()
    await room.bench.clock.advance(LOOK_MS)
    expect(room.leases).toBe(1)
  })

  it('leaves no timer behind when the session is over', async () => {
    room.receives(MUCH)
    await room.bench.clock.advance(LOOK_MS)
    room.compaction.takes(room.bench.answer('leased'))
    room.compaction.stop()
    expect(room.bench.clock.waiting).toBe(0)
  })
})

describe('a checkpoint that somebody else is at', () => {
  it('is tried again after a minute, and not sooner', async () => {
    room.receives(MUCH)
    await room.bench.clock.advance(LOOK_MS)
    room.refuses('busy')
    await room.bench.clock.advance(MINUTE_MS - SECOND_MS)
    expect(room.leases).toBe(1)
    await room.bench.clock.advance(MINUTE_MS + LOOK_MS)
    expect([room.leases, room.told]).toEqual([2, []])
  })

  it('and that somebody waits for is tried again after some seconds', async () => {
    room.receives(1)
    room.compaction.wish().catch(() => {})
    expect(room.leases).toBe(1)
    room.refuses('busy')
    room.compaction.progress()
    await room.bench.clock.advance(SECOND_MS)
    expect(room.leases).toBe(1)
    await room.bench.clock.advance(2 * LOOK_MS)
    expect([room.leases, room.told]).toEqual([2, []])
  })
})

describe('a checkpoint that is over the relay’s limit', () => {
  it('is told of, and tried again after an hour', async () => {
    room.receives(MUCH)
    await room.bench.clock.advance(LOOK_MS)
    room.refuses('limit')
    await room.bench.clock.advance(60 * MINUTE_MS - SECOND_MS)
    expect([room.leases, room.told]).toEqual([1, ['limit']])
    await room.bench.clock.advance(SECOND_MS + LOOK_MS)
    expect(room.leases).toBe(2)
  })

  it('is refused to who waits for it, and asked for at once where somebody asks again', async () => {
    room.receives(1)
    const wished = room.compaction.wish()
    room.refuses('limit')
    await expect(wished).rejects.toMatchObject({ code: 'limit' })
    room.compaction.wish().catch(() => {})
    expect(room.leases).toBe(2)
  })
})

describe('a checkpoint that somebody waits for', () => {
  it('is made at once, whoever types, and gives way to a rotation', async () => {
    room.receives(1)
    room.compaction.typed()
    room.compaction.wish().catch(() => {})
    expect(room.leases).toBe(1)
    room.compaction.yield()
    room.isLive = false
    await room.bench.clock.advance(MINUTE_MS)
    expect([room.leases, room.compaction.owed]).toEqual([1, undefined])
    room.isLive = true
    await room.bench.clock.advance(2 * LOOK_MS)
    expect(room.leases).toBe(2)
  })

  it('is there already if nothing has come since', async () => {
    await room.compaction.wish()
    expect(room.leases).toBe(0)
  })

  it('cannot be had after the end', async () => {
    room.receives(1)
    const wished = room.compaction.wish()
    room.compaction.end(new SealedError('interrupted', 'it is over', 'checkpoint'))
    await expect(wished).rejects.toMatchObject({ code: 'interrupted' })
  })
})
