import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import pg from 'pg'
import { comesToRest } from './fake-clock.ts'

let underWay = 0
let begun = 0

/** Where stories are told on nodes, fake time waits for PostgreSQL and Redis, too: what a timer has started there ends before the next one. */
export function waitForDatabases(redisUrl: string): void {
  countStatements()
  let redis: Promise<Socket> | undefined
  comesToRest(async (turns) => {
    for (;;) {
      const before = begun
      await turns()
      while (underWay > 0) await new Promise(setImmediate)
      redis ??= connectTo(redisUrl)
      await pinged(await redis)
      if (before === begun) return
    }
  })
}

function countStatements(): void {
  // All relays of these stories are in this process, and so is the driver.
  const client = pg.Client.prototype as unknown as Record<'query' | 'connect', (...all: unknown[]) => unknown>
  for (const name of ['query', 'connect'] as const) {
    const act = client[name]
    client[name] = function (this: unknown, ...all: unknown[]) {
      underWay++
      begun++
      const end = () => void underWay--
      const [last] = all.slice(-1)
      if (typeof last === 'function') {
        return act.apply(this, [
          ...all.slice(0, -1),
          (...answer: unknown[]) => {
            end()
            return last(...answer)
          },
        ])
      }
      const answer = Promise.resolve(act.apply(this, all))
      answer.then(end, end)
      return answer
    }
  }
}

async function connectTo(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.unref()
  return socket.setNoDelay(true)
}

/** What was published before is on its way to who listens. */
async function pinged(socket: Socket): Promise<void> {
  socket.ref()
  const heard = once(socket, 'data')
  socket.write('PING\r\n')
  await heard
  socket.unref()
}
