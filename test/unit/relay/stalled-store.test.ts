import { expect, it } from 'vitest'
import { FakeSealer, fakeRecord, toEntries } from '../../scenario/relay-raw-client.ts'
import { settle } from '../../support/fake-clock.ts'
import { joinOf, SocketlessRelay } from './socketless-relay.ts'

const SESSIONS = 20
const APPENDS = 8
const SEALED_BYTES = 10_000
const MAX_HELD_BYTES = 500_000

it('while the disk stalls appends wait in bounded memory, then are refused with `limit`: none is acked, none is lost in silence', async () => {
  const relay = new SocketlessRelay({ maxHeldBytes: MAX_HELD_BYTES })
  const sessions = Array.from({ length: SESSIONS }, () => relay.connect())
  for (const session of sessions) session.say(joinOf('room'))
  await settle()
  sessions[0]!.say({ type: 'open', channel: 1, request: 1, record: fakeRecord(), sequence: 0, envelopes: [] })
  await settle()
  const goOn = relay.stall('append')
  for (const session of sessions) {
    const sealer = new FakeSealer()
    for (let request = 10; request < 10 + APPENDS; request++) {
      session.say({ type: 'append', channel: 1, request, envelopes: toEntries([sealer.seal(SEALED_BYTES)]) })
    }
  }
  await settle()
  const answers = () =>
    sessions.flatMap(({ heard }) => heard.filter(({ type }) => type === 'ack' || type === 'refused'))
  const refused = answers()
  expect(refused.map((answer) => ('code' in answer ? answer.code : answer.type))).toEqual(
    Array(refused.length).fill('limit'),
  )
  // Of 1.6 MB as much as may wait, and no more; who is refused hears it now, not when the disk is there again.
  const waiting = SESSIONS * APPENDS - refused.length
  expect(waiting * SEALED_BYTES).toBeLessThanOrEqual(MAX_HELD_BYTES)
  expect(waiting).toBeGreaterThan(40)
  expect(relay.held.take(MAX_HELD_BYTES - waiting * SEALED_BYTES)).toBe(false)
  goOn()
  await settle()
  const all = answers()
  expect(all).toHaveLength(SESSIONS * APPENDS)
  // What waited is stored, where nothing before it was refused.
  expect(all.filter(({ type }) => type === 'ack')).toHaveLength(waiting)
  // And the memory is free again.
  expect(relay.held.take(MAX_HELD_BYTES)).toBe(true)
  await relay.close()
})
