import { type Down, encodeFrame, parseDownFrame, type Up } from '@y-sealed/protocol'
import { DEFAULT_RELAY_LIMITS } from '@y-sealed/relay'
import { expect, it } from 'vitest'
import { ShutOut } from '../../../server/relay/src/auth/shut-out.ts'
import { openSqliteLogStore } from '../../../server/relay/src/log/sqlite-log-store.ts'
import { Rooms } from '../../../server/relay/src/room/rooms.ts'
import { Conversation } from '../../../server/relay/src/session/conversation.ts'
import { HeldBytes } from '../../../server/relay/src/session/held-bytes.ts'
import { Metrics } from '../../../server/relay/src/telemetry/metrics.ts'
import type { Connection } from '../../../server/relay/src/transport/connection.ts'
import { createTurn } from '../../../server/relay/src/transport/turn.ts'
import { FakeSealer, fakeRecord, toEntries } from '../../scenario/relay-raw-client.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

const QUIET = { info() {}, warn() {}, error() {} }
const SESSIONS = 20
const APPENDS = 8
const SEALED_BYTES = 10_000
const MAX_HELD_BYTES = 500_000

/** A relay without sockets, whose disk does nothing until `goOn`. */
function stallingRelay() {
  const stored = openSqliteLogStore('memory')
  let goOn = (): void => {}
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let isStalled = false
  const store: typeof stored = {
    ...stored,
    append: async (request) => {
      if (isStalled) await gate
      return await stored.append(request)
    },
  }
  const clock = new FakeClock()
  const turn = createTurn()
  const limits = DEFAULT_RELAY_LIMITS
  const held = new HeldBytes(MAX_HELD_BYTES)
  const context = {
    ...{ store, clock, limits, held, log: QUIET, shutOut: new ShutOut(clock), metrics: new Metrics() },
    rooms: new Rooms({ store, turn, clock, limits, log: QUIET }),
    authorize: async () => ({ subject: '', role: 'write' as const }),
  }
  function connect() {
    const heard: Down[] = []
    const connection: Connection = {
      ...{ address: '', backlogBytes: 0, isOpen: true, bytesHeard: 0 },
      send: (frame) => void heard.push(...parseDownFrame(frame)),
      drained: async () => {},
      oneByOne: (task) => task(),
      close() {},
    }
    const stranger = { saidHello() {}, heardMessage: () => true, end() {} }
    const conversation = new Conversation({ context, connection, stranger, mayAsk: () => true })
    const say = (message: Up) => conversation.receive(encodeFrame([message]))
    say({ type: 'hello', minVersion: 1, maxVersion: 1, agent: '' })
    const join = { type: 'join', channel: 1, room: 'room', token: '', params: {}, cursor: 0 } as const
    say({ ...join, hash: new Uint8Array(0), observe: false })
    return { heard, say }
  }
  function stall(): void {
    isStalled = true
  }
  return { connect, held, stall, goOn: () => goOn(), close: () => stored.close() }
}

it('while the disk stalls appends wait in bounded memory, then are refused with `limit`: none is acked, none is lost in silence', async () => {
  const relay = stallingRelay()
  const sessions = Array.from({ length: SESSIONS }, () => relay.connect())
  await settle()
  sessions[0]!.say({ type: 'open', channel: 1, request: 1, record: fakeRecord(), sequence: 0, envelopes: [] })
  await settle()
  relay.stall()
  for (const { say } of sessions) {
    const sealer = new FakeSealer()
    for (let request = 10; request < 10 + APPENDS; request++) {
      say({ type: 'append', channel: 1, request, envelopes: toEntries([sealer.seal(SEALED_BYTES)]) })
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
  relay.goOn()
  await settle()
  const all = answers()
  expect(all).toHaveLength(SESSIONS * APPENDS)
  // What waited is stored, where nothing before it was refused.
  expect(all.filter(({ type }) => type === 'ack')).toHaveLength(waiting)
  // And the memory is free again.
  expect(relay.held.take(MAX_HELD_BYTES)).toBe(true)
  await relay.close()
})
