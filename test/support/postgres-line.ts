import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Gate } from './gate.ts'

/** What the line does when a client commits; `hold`: the COMMIT arrives when it is let go, whether or not the client still lives. */
export type AtCommit = 'pass' | 'cut-before' | 'cut-after' | 'hold'

/** A line to PostgreSQL that breaks where it hurts: at a COMMIT, before the server has heard of it, before its answer arrives, or late. */
export async function postgresLine(url: string) {
  const server = new URL(url)
  const open = new Set<Socket>()
  let plan: AtCommit[] = []
  let isDown = false
  let cuts = 0
  let tellCut = () => {}
  const cut = new Promise<void>((resolve) => {
    tellCut = resolve
  })
  const gate = new Gate()
  const line = createServer((client) => {
    if (isDown) {
      client.destroy()
      return
    }
    const upstream = connect(Number(server.port), server.hostname)
    let isCut = false
    let isHeld = false
    const end = () => {
      client.destroy()
      if (!isHeld) upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        open.delete(socket)
        end()
      })
    }
    client.on('data', (bytes: Buffer) => {
      const act = bytes.includes('COMMIT\0') ? (plan.shift() ?? 'pass') : 'pass'
      if (act === 'hold') {
        isHeld = true
        void gate.pass().then(() => upstream.end(bytes))
        return
      }
      if (act !== 'pass') {
        cuts++
        tellCut()
      }
      if (act === 'cut-before') end()
      else upstream.write(bytes)
      if (act === 'cut-after') isCut = true
    })
    upstream.on('data', (bytes: Buffer) => {
      // The server has answered the commit, and nobody hears it.
      if (isCut) end()
      else client.write(bytes)
    })
  })
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  const address = line.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  const through = new URL(url)
  through.port = String(address.port)
  return {
    url: through.href,
    /** Resolves when a commit is on its way that will not be answered. */
    cut,
    /** Resolves when a commit is held. */
    held: gate.reached,
    /** What was held arrives, and its connection ends. */
    letGo: () => gate.open(),
    get cuts() {
      return cuts
    },
    /** What happens at the next commits. */
    atCommits(...acts: AtCommit[]) {
      plan = acts
    },
    /** Nobody gets through any more. */
    goDown() {
      isDown = true
      gate.open()
      for (const socket of open) socket.destroy()
    },
    close() {
      this.goDown()
      line.close()
    },
  }
}
