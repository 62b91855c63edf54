import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RoomMessage } from '../../../server/relay/src/bus/bus-message.ts'
import { RoomElsewhere } from '../../../server/relay/src/bus/room-elsewhere.ts'
import type { LogHead, LogStore } from '../../../server/relay/src/log/log-store.ts'
import type { Room } from '../../../server/relay/src/room/room.ts'

const headOf = (index: number): LogHead => ({
  sequence: 0,
  hash: new Uint8Array(32),
  record: { index, bytes: new Uint8Array(64), hash: new Uint8Array(32).fill(index), after: 0 },
})

const awareness = (epochIndex: number): RoomMessage => ({
  type: 'awareness',
  session: 7,
  epochIndex,
  envelope: new Uint8Array(randomBytes(8)),
})

describe('somebody at another node who is in an epoch of which this one has not heard', () => {
  const heard: string[] = []
  /** What the store answers, when a test says so. */
  const answers: ((head: LogHead) => void)[] = []
  let elsewhere: RoomElsewhere

  beforeEach(() => {
    heard.length = 0
    answers.length = 0
    const room = {
      name: 'room',
      head: headOf(0),
      commits: new Set<Promise<unknown>>(),
      learn(head: LogHead) {
        this.head = head
      },
      hearAwareness: (session: number) => void heard.push(`${session} says`),
      hearLeft: (session: number) => void heard.push(`${session} left`),
    }
    const store = {
      head: () => new Promise<LogHead>((resolve) => void answers.push(resolve)),
      records: async () => ({ after: [] }),
      isDeleted: async () => false,
    }
    elsewhere = new RoomElsewhere({
      // As much of both as is asked here.
      room: room as unknown as Room,
      store: store as unknown as LogStore,
      say() {},
      now: () => 0,
      onFailure: (error) => {
        throw error
      },
      onRepair() {},
    })
  })

  /** The next look sees the log in this epoch. */
  async function sees(epochIndex: number): Promise<void> {
    while (answers.length === 0) await new Promise(setImmediate)
    answers.shift()?.(headOf(epochIndex))
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }

  it('is heard once it has', async () => {
    elsewhere.hear('other', awareness(1))
    expect(heard).toEqual([])
    await sees(1)
    expect(heard).toEqual(['7 says'])
  })

  it('also where a look was under way, which had begun before that epoch was there', async () => {
    elsewhere.look()
    elsewhere.hear('other', awareness(1))
    await sees(0)
    expect(heard).toEqual([])
    await sees(1)
    expect(heard).toEqual(['7 says'])
  })

  it('and has left meanwhile, is not there afterwards', async () => {
    elsewhere.hear('other', awareness(1))
    elsewhere.hear('other', { type: 'left', session: 7 })
    await sees(1)
    expect(heard).toEqual(['7 left'])
  })

  it('at a node that is gone meanwhile, neither', async () => {
    elsewhere.hear('other', awareness(1))
    elsewhere.dropGuests(({ node }) => node === 'other')
    await sees(1)
    expect(heard).toEqual(['7 left'])
  })
})
