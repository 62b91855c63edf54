import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Clock } from '@y-sealed/key-client'

interface Timer {
  readonly due: number
  readonly run: () => void
}

/** A clock that stands still until a test moves it, so that waits of minutes cost nothing and happen in a fixed order. */
export class FakeClock implements Clock {
  private time: number
  private nextId = 1
  private readonly timers = new Map<number, Timer>()

  constructor(startUnixMs = Date.UTC(2030, 0, 1)) {
    this.time = startUnixMs
  }

  now(): number {
    return this.time
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const id = this.nextId++
    // Whole milliseconds, as every wall clock gives them: jitter makes delays that are not.
    this.timers.set(id, { due: this.time + Math.max(0, Math.ceil(delayMs)), run })
    return id
  }

  clearTimeout(id: unknown): void {
    this.timers.delete(id as number)
  }

  /** How many timers are waiting: nothing that was destroyed may leave one behind. */
  get waiting(): number {
    return this.timers.size
  }

  /** Moves time on, timer by timer in due order, letting everything that a timer started settle before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms
    await settle()
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      const [id, timer] = next
      this.timers.delete(id)
      this.time = Math.max(this.time, timer.due)
      timer.run()
      await settle()
    }
    this.time = end
    await settle()
  }

  private nextDue(end: number): [number, Timer] | undefined {
    let next: [number, Timer] | undefined
    for (const entry of this.timers) {
      if (entry[1].due <= end && (next === undefined || entry[1].due < next[1].due)) next = entry
    }
    return next
  }
}

// A loopback round trip needs a few turns of the event loop: out of the client, through the relay's commit, and back.
const SETTLE_TURNS = 20

let rest = (turns: () => Promise<void>): Promise<void> => turns()

/** What else has to come to rest, where stories need more than this process. */
export function comesToRest(how: typeof rest): void {
  rest = how
}

/** Lets promises and sockets in this process come to rest; no real time is waited for. */
export function settle(): Promise<void> {
  return rest(someTurns)
}

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  // On a busy machine turns are quicker than the loopback, and than the threads that seal: what was begun before these is over before them.
  await Promise.all([roundTrip(), ...Array.from({ length: THREADS }, () => stat('.'))])
}

// Node's own number, unless somebody has chosen another.
const THREADS = 4

let echo: Promise<Socket> | undefined

async function roundTrip(): Promise<void> {
  echo ??= connectToEcho()
  const socket = await echo
  socket.ref()
  const heard = once(socket, 'data')
  socket.write('.')
  await heard
  socket.unref()
}

async function connectToEcho(): Promise<Socket> {
  const server = createServer((peer) => {
    peer.unref()
    peer.pipe(peer)
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is an object.
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return socket.setNoDelay(true)
}
