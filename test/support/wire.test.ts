import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { encodeFrame } from '@y-sealed/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { patiently, untilText } from './events.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { Wire } from './wire.ts'
import { startWorld } from './world.ts'

const FRAME_BYTES = 1_000
const BYTES_PER_SECOND = 1_000

let server: WebSocketServer
let relaySide: WebSocket
let arrived: number[]
let clock: FakeClock
let wire: Wire
let socket: Wire['sockets'][number]

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  clock = new FakeClock()
  wire = new Wire()
  const connected = once(server, 'connection')
  // A TCP server has an AddressInfo.
  new wire.WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  socket = wire.sockets[0]!
  const opened = once(socket, 'open')
  // The first argument of a connection is its socket.
  relaySide = (await connected)[0] as WebSocket
  arrived = []
  relaySide.on('message', (bytes: Buffer) => arrived.push(bytes[0] ?? -1))
  await opened
})
afterEach(() => {
  wire.cut()
  for (const client of server.clients) client.terminate()
  server.close()
})

const frame = (number: number): Uint8Array => new Uint8Array(FRAME_BYTES).fill(number)

function sendThree(): void {
  for (const number of [1, 2, 3]) socket.send(frame(number))
}

/** Until the other side has heard them; no time passes on the clock. */
async function untilArrived(numbers: number[]): Promise<void> {
  while (arrived.length < numbers.length) await patiently(once(relaySide, 'message'), `frame ${numbers.at(-1)}`)
  expect(arrived).toEqual(numbers)
}

describe('a throttled wire', () => {
  test('carries frames upwards in order, each after as long as its bytes take', async () => {
    wire.throttle('up', BYTES_PER_SECOND, clock)
    sendThree()
    await clock.advance(999)
    expect(arrived).toEqual([])
    await clock.advance(1)
    await untilArrived([1])
    await clock.advance(1_999)
    await untilArrived([1, 2])
    await clock.advance(1)
    await untilArrived([1, 2, 3])
    expect(clock.waiting).toBe(0)
  })

  test('shows its sender how much has not left yet, within a frame too', async () => {
    wire.throttle('up', BYTES_PER_SECOND, clock)
    sendThree()
    expect(socket.bufferedAmount).toBe(3_000)
    await clock.advance(1_500)
    expect(socket.bufferedAmount).toBe(1_500)
    await clock.advance(10_000)
    await untilArrived([1, 2, 3])
    expect(socket.bufferedAmount).toBe(0)
  })

  test('that is calmed carries everything at once, in order, and leaves no timer', async () => {
    wire.throttle('up', BYTES_PER_SECOND, clock)
    sendThree()
    wire.calm()
    socket.send(frame(4))
    await untilArrived([1, 2, 3, 4])
    expect(clock.waiting).toBe(0)
  })

  test('that was held carries what is released at its rate', async () => {
    const ping = encodeFrame([{ type: 'ping', nonce: 1 }])
    wire.throttle('up', ping.length, clock)
    wire.hold('up')
    socket.send(ping)
    socket.send(ping)
    await clock.advance(10_000)
    wire.release('up')
    await clock.advance(999)
    expect(arrived).toEqual([])
    await clock.advance(1)
    await untilArrived([ping[0]!])
    await clock.advance(1_000)
    await untilArrived([ping[0]!, ping[0]!])
  })

  test('that is closed by its client first sends what waits', async () => {
    wire.throttle('up', BYTES_PER_SECOND, clock)
    sendThree()
    socket.close()
    await clock.advance(2_999)
    await untilArrived([1, 2])
    const closed = once(relaySide, 'close')
    await clock.advance(1)
    await patiently(closed, 'the connection to close')
    expect(arrived).toEqual([1, 2, 3])
    expect(clock.waiting).toBe(0)
  })

  test('that is cut loses what waits, and leaves no timer', async () => {
    wire.throttle('up', BYTES_PER_SECOND, clock)
    sendThree()
    const closed = once(relaySide, 'close')
    wire.cut()
    expect(clock.waiting).toBe(0)
    await patiently(closed, 'the connection to break')
    expect(arrived).toEqual([])
  })

  test('lets its client hear what the other side said, and only then that it closed', async () => {
    wire.throttle('down', BYTES_PER_SECOND, clock)
    const heard: string[] = []
    socket.on('message', (bytes: Buffer) => heard.push(`frame ${bytes[0]}`))
    socket.on('close', () => heard.push('close'))
    const isClosed = new Promise<void>((resolve) => {
      const look = (): void => {
        if (socket.readyState === socket.CLOSED) resolve()
        else setImmediate(look)
      }
      look()
    })
    relaySide.send(frame(1))
    relaySide.send(frame(2))
    relaySide.close()
    await patiently(isClosed, 'the connection to close underneath')
    await settle()
    expect(heard).toEqual([])
    await clock.advance(1_000)
    expect(heard).toEqual(['frame 1'])
    await clock.advance(1_000)
    expect(heard).toEqual(['frame 1', 'frame 2', 'close'])
  })

  test.each([0, -1, Number.NaN])('of %d bytes per second is no wire', (bytesPerSecond) => {
    expect(() => wire.throttle('up', bytesPerSecond)).toThrow(RangeError)
  })
})

test('people write to each other over a slow wire', async () => {
  const world = await startWorld()
  const alice = await world.joined('Alice')
  const bob = await world.joined('Bob')
  alice.wire.throttle('up', 50_000)
  bob.wire.throttle('down', 50_000)
  const pasted = 'a paste of some length. '.repeat(200)
  alice.text.insert(0, pasted)
  await untilText(bob.doc, pasted)
  bob.text.insert(0, '> ')
  await untilText(alice.doc, `> ${pasted}`)
  await world.close()
})
