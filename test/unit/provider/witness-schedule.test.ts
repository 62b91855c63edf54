import { beforeEach, expect, it } from 'vitest'
import { WitnessSchedule } from '../../../packages/provider/src/witness/witness-schedule.ts'
import { FakeClock } from '../../support/fake-clock.ts'

let clock: FakeClock
let due: number[]
let mayMake: boolean
let schedule: WitnessSchedule
let lot: number
const startMs = Date.UTC(2030, 0, 1)
const passedS = (): number => (clock.now() - startMs) / 1_000

beforeEach(() => {
  clock = new FakeClock(startMs)
  due = []
  mayMake = true
  lot = 0.5
  schedule = new WitnessSchedule({
    clock,
    random: () => lot,
    mayMake: () => mayMake,
    onDue: () => due.push(passedS()),
  })
})

it.each([
  [0, 20],
  [0.5, 30],
  [1, 40],
])(
  'with the lot %d it is due %d s after the first entry, however much is written meanwhile',
  async (drawn, seconds) => {
    lot = drawn
    for (let sequence = 1; sequence <= 10; sequence++) {
      schedule.wrote(sequence)
      await clock.advance(1_000)
    }
    await clock.advance(60_000)
    expect(due).toEqual([seconds])
    expect(schedule.isWanted).toBe(true)
  },
)

it('nobody has written: none is due, and no timer runs', async () => {
  schedule.resume()
  schedule.othersWitnessed('a', 5)
  schedule.witnessed(5)
  await clock.advance(600_000)
  expect([due, clock.waiting]).toEqual([[], 0])
})

it('two others have covered what waits: it keeps quiet, and no timer runs', async () => {
  schedule.wrote(1)
  schedule.othersWitnessed('a', 1)
  expect(schedule.isWanted).toBe(true)
  schedule.othersWitnessed('b', 1)
  expect([schedule.isWanted, clock.waiting]).toEqual([false, 0])
})

it('one other twice is one other, and what covers too little covers nothing', async () => {
  schedule.wrote(4)
  schedule.othersWitnessed('a', 4)
  schedule.othersWitnessed('a', 4)
  schedule.othersWitnessed('b', 3)
  await clock.advance(60_000)
  expect(due).toEqual([30])
})

it('its own stands in the log: that is enough from this member', async () => {
  schedule.wrote(1)
  await clock.advance(30_000)
  schedule.witnessed(1)
  await clock.advance(600_000)
  expect([due, schedule.isWanted, clock.waiting]).toEqual([[30], false, 0])
})

it('what was written behind its own waits its own time; what others have said of it counts', async () => {
  schedule.wrote(1)
  await clock.advance(30_000)
  schedule.wrote(2)
  schedule.othersWitnessed('a', 2)
  schedule.witnessed(1)
  expect(schedule.isWanted).toBe(true)
  schedule.othersWitnessed('b', 2)
  await clock.advance(600_000)
  expect([due, schedule.isWanted]).toEqual([[30], false])
})

it('who may not append now draws again, and makes it when it may', async () => {
  mayMake = false
  schedule.wrote(1)
  await clock.advance(100_000)
  mayMake = true
  await clock.advance(30_000)
  expect(due).toEqual([120])
})

it('a session that ended before it was in the log: the next one makes it', async () => {
  schedule.wrote(1)
  await clock.advance(10_000)
  schedule.pause()
  await clock.advance(600_000)
  expect(due).toEqual([])
  schedule.resume()
  await clock.advance(30_000)
  expect(due).toEqual([640])
})

it('another epoch: what was before it its record says', async () => {
  schedule.wrote(1)
  schedule.clear()
  await clock.advance(600_000)
  expect([due, schedule.isWanted]).toEqual([[], false])
})
