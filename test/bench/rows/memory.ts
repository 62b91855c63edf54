import type { ConnectInput } from '../clients/load-process.ts'
import { type ServerKind, serverKinds } from '../servers/server-kind.ts'
import { atMost } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { untilIdle } from './settle-sealed.ts'
import { withServer } from './with-server.ts'

// A thousand: the noise of a heap is a few megabytes, which then are a few kilobytes of each.
const CONNECTIONS = 1_000
const DOCUMENTS = 300
const SAMPLE_COUNT = 20
// So that what a server allocates once, however many come, is there before.
const WARM_UP_CONNECTIONS = 50
const DOCUMENT_BYTES = 50_000

const kindsFor = ({ isSample }: Bench): readonly ServerKind[] =>
  isSample ? ['y-sealed', 'y-websocket', 'forwarder'] : serverKinds

/** What an idle connection and an open document cost a server in memory. */
export const memoryRows: readonly Row[] = [
  {
    name: 'memory-connection',
    title: 'server memory per idle connection',
    note: `${CONNECTIONS} raw clients in one room, who have joined and say nothing; resident memory after a forced collection, less what it was before them.`,
    metrics: [
      { key: 'kbEach', label: 'kB each', digits: 1, isCompared: true },
      { key: 'heapKbEach', label: 'of it heap kB', digits: 1 },
      { key: 'baseMb', label: 'before them MB', digits: 0 },
    ],
    goals: [atMost('y-sealed', 'kbEach', 'an idle connection', 24, 'kB')],
    subjects: (bench) =>
      kindsFor(bench).map((kind) => ({ name: kind, needs: kind, measure: () => measureConnections(bench, kind) })),
  },
  {
    name: 'memory-document',
    title: `server memory per open document of ${DOCUMENT_BYTES / 1_000} kB`,
    note: `${DOCUMENTS} rooms of one raw client each; resident memory after each of them has sent one update of ${DOCUMENT_BYTES / 1_000} kB, written a few words at a time, less what it was before.`,
    metrics: [
      { key: 'kbEach', label: 'kB each', digits: 1, isCompared: true },
      { key: 'heapKbEach', label: 'of it heap kB', digits: 1 },
      { key: 'baseMb', label: 'before them MB', digits: 0 },
    ],
    goals: [atMost('y-sealed', 'kbEach', 'an open document', 15, 'kB')],
    subjects: (bench) =>
      kindsFor(bench).map((kind) => ({ name: kind, needs: kind, measure: () => measureDocuments(bench, kind) })),
  },
]

async function measureConnections(bench: Bench, kind: ServerKind): Promise<Figures> {
  const count = bench.isSample ? SAMPLE_COUNT : CONNECTIONS
  return withServer(bench, kind, async ({ server, startClients }) => {
    const connect = async (clientsPerRoom: number) => {
      const clients = startClients('clients/load-process')
      const input: ConnectInput = { kind, url: server.url, rooms: ['room'], clientsPerRoom }
      await clients.call('connect', input)
      return clients
    }
    const warmUp = await connect(Math.min(count, WARM_UP_CONNECTIONS))
    await warmUp.end()
    if (!bench.isSample) await untilIdle(server)
    const before = await server.settledUsage()
    await connect(count)
    if (!bench.isSample) await untilIdle(server)
    const after = await server.settledUsage()
    return {
      kbEach: (after.residentBytes - before.residentBytes) / count / 1_000,
      heapKbEach: (after.heapBytes - before.heapBytes) / count / 1_000,
      baseMb: before.residentBytes / 1e6,
    }
  })
}

async function measureDocuments(bench: Bench, kind: ServerKind): Promise<Figures> {
  const count = bench.isSample ? SAMPLE_COUNT : DOCUMENTS
  return withServer(bench, kind, async ({ server, startClients }) => {
    const open = async (names: readonly string[]) => {
      const { call } = startClients('clients/load-process')
      await call('connect', { kind, url: server.url, rooms: names, clientsPerRoom: 1 } satisfies ConnectInput)
      return call
    }
    const named = (name: string, length: number) => Array.from({ length }, (_, index) => `${name}-${index}`)
    const warmUp = await open(named('warm-up', Math.min(count, WARM_UP_CONNECTIONS)))
    await warmUp('writeDocuments', DOCUMENT_BYTES)
    const call = await open(named('room', count))
    if (!bench.isSample) await untilIdle(server)
    const before = await server.settledUsage()
    await call('writeDocuments', DOCUMENT_BYTES)
    if (!bench.isSample) await untilIdle(server)
    const after = await server.settledUsage()
    return {
      kbEach: (after.residentBytes - before.residentBytes) / count / 1_000,
      heapKbEach: (after.heapBytes - before.heapBytes) / count / 1_000,
      baseMb: before.residentBytes / 1e6,
    }
  })
}
