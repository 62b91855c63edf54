import { beforeEach, expect, it } from 'vitest'
import { WitnessLedger } from '../../../packages/provider/src/witness/witness-ledger.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const startMs = Date.UTC(2030, 0, 1)
let clock: FakeClock
let told: unknown[]
let ledger: WitnessLedger

beforeEach(() => {
  clock = new FakeClock(startMs)
  told = []
  ledger = new WitnessLedger({
    clock,
    onVerified: (verified) => told.push(verified),
    onUnwitnessed: (unwitnessed) => told.push(unwitnessed),
  })
})

it('is verified through the newest that somebody else has seen, by their clock; an older one says nothing new', () => {
  expect(ledger.verified).toBeUndefined()
  ledger.agreed({ sequence: 3, unixMs: 77 })
  ledger.agreed({ sequence: 2, unixMs: 99 })
  ledger.agreed({ sequence: 3, unixMs: 99 })
  expect(ledger.verified).toEqual({ sequence: 3, at: 77 })
  expect(told).toEqual([{ sequence: 3, at: 77 }])
})

it('knows each of its own salts, of all connections', () => {
  for (let salt = 0; salt < 100; salt++) ledger.noteOwn(new Uint8Array(16).fill(salt))
  expect(ledger.isOwn(new Uint8Array(16).fill(0))).toBe(true)
  expect(ledger.isOwn(new Uint8Array(16).fill(100))).toBe(false)
})

it('nobody else writes: it is never unwitnessed', async () => {
  await clock.advance(600_000)
  expect([ledger.unwitnessed, clock.waiting]).toEqual([undefined, 0])
})

it('others write and nobody witnesses it: so it is after a minute, since the first of it; a witness ends it', async () => {
  ledger.othersWrote(1)
  await clock.advance(59_000)
  ledger.othersWrote(2)
  expect(ledger.unwitnessed).toBeUndefined()
  await clock.advance(1_000)
  expect(ledger.unwitnessed).toEqual({ sequence: 2, since: startMs })
  ledger.agreed({ sequence: 2, unixMs: 5 })
  expect(ledger.unwitnessed).toBeUndefined()
  expect(told).toEqual([{ sequence: 2, since: startMs }, undefined, { sequence: 2, at: 5 }])
  await clock.advance(600_000)
  expect(clock.waiting).toBe(0)
})

it('a room that is witnessed as it should be never is, however much is written', async () => {
  for (let sequence = 1; sequence <= 600; sequence++) {
    ledger.othersWrote(sequence)
    if (sequence % 40 === 0) ledger.agreed({ sequence: sequence - 1, unixMs: clock.now() })
    await clock.advance(1_000)
  }
  expect(told.filter((each) => each === undefined || 'since' in (each as object))).toEqual([])
})

it('the session ends, or the log is read anew: the state is not known any more', async () => {
  ledger.othersWrote(1)
  await clock.advance(60_000)
  ledger.stop()
  expect([ledger.unwitnessed, told.at(-1)]).toEqual([undefined, undefined])
  ledger.agreed({ sequence: 1, unixMs: 1 })
  ledger.clear()
  expect([ledger.verified, clock.waiting]).toEqual([undefined, 0])
})
