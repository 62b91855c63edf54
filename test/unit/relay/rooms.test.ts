import { DEFAULT_RELAY_LIMITS } from '@y-sealed/relay'
import { expect, it } from 'vitest'
import { openSqliteLogStore } from '../../../server/relay/src/log/sqlite-log-store.ts'
import { Rooms } from '../../../server/relay/src/room/rooms.ts'
import { createTurn } from '../../../server/relay/src/transport/turn.ts'
import { FakeClock } from '../../support/fake-clock.ts'

it('a room is there as long as somebody is in it, also where a commit begins when its author has gone, and ends later', async () => {
  const log = openSqliteLogStore('memory')
  const quiet = { info() {}, warn() {}, error() {} }
  const rooms = new Rooms({
    ...{ store: log, turn: createTurn(), clock: new FakeClock() },
    ...{ limits: DEFAULT_RELAY_LIMITS, log: quiet },
  })
  const left = await rooms.enter('room')
  rooms.leave('room')
  let store = (): void => {}
  const stored = new Promise<void>((resolve) => {
    store = resolve
  })
  const commit = rooms.commit(left, stored, () => {})
  const entered = await rooms.enter('room')
  store()
  await commit
  expect(rooms.counts).toEqual({ rooms: 1, sessions: 1 })
  expect(await rooms.enter('room')).toBe(entered)
  await log.close()
})
