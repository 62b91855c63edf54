import { availableParallelism } from 'node:os'
import type { ConnectInput } from '../clients/load-process.ts'
import type { SaturateInput, SaturateResult } from '../clients/saturate.ts'
import { type ServerKind, serverKinds } from '../servers/server-kind.ts'
import { atLeastOfBetter, atMostOfBetter } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

interface LoadCase {
  readonly name: string
  readonly title: string
  readonly rooms: number
  readonly writersPerRoom: number
  readonly keystrokesInFlightPerWriter: number
  /** The two cases that ratios are promised for; the third shows what they owe to several keystrokes being under way. */
  readonly isPromised: boolean
}

// Ten keystrokes of each writer on their way: enough that no server waits for us, few enough that none drowns.
const PIPELINED = 10

const CASES: readonly LoadCase[] = [
  {
    name: 'one-room',
    title: '1 room × 20 writers, saturated',
    rooms: 1,
    writersPerRoom: 20,
    keystrokesInFlightPerWriter: PIPELINED,
    isPromised: true,
  },
  {
    name: 'many-rooms',
    title: '200 rooms × 2 writers, saturated',
    rooms: 200,
    writersPerRoom: 2,
    keystrokesInFlightPerWriter: PIPELINED,
    isPromised: true,
  },
  {
    name: 'one-room-in-step',
    title: '1 room × 20 writers, each with one keystroke under way',
    rooms: 1,
    writersPerRoom: 20,
    keystrokesInFlightPerWriter: 1,
    isPromised: false,
  },
]

// Just-in-time compilers need a second or so of the same work; then three seconds are a few hundred thousand deliveries.
const WARM_UP_MS = 1_500
const TYPING_MS = 3_000
const SAMPLE_MS = 400

/** What the relay itself costs: raw clients, who hold no documents, type as fast as they are served. */
export const relayLoadRows: readonly Row[] = CASES.map((load) => ({
  name: load.name,
  title: load.title,
  note:
    'Raw clients in processes of their own speak each protocol and count keystrokes that reach others. ' +
    `On average ${load.keystrokesInFlightPerWriter} of each writer's are on their way. CPU is the server's, from idle to idle; peers keep documents in memory, ` +
    'y-sealed and secsync confirm only what is durable.',
  metrics: [
    { key: 'cpuSecondsPer100k', label: 'CPU-s / 100k deliveries', digits: 3, isCompared: true },
    { key: 'deliveriesPerSecond', label: 'deliveries/s', digits: 0, isCompared: true },
    { key: 'serverCpuShare', label: 'server CPU', digits: 2 },
    { key: 'loadCpuShare', label: 'load CPU', digits: 2 },
    { key: 'undelivered', label: 'undelivered', digits: 0 },
  ],
  goals: [atMostOfBetter('cpuSecondsPer100k', 'CPU', 0.5), atLeastOfBetter('deliveriesPerSecond', 'deliveries/s', 2)],
  subjects: (bench) =>
    (bench.isSample && !load.isPromised ? [] : kindsFor(bench)).map((kind) => ({
      name: kind,
      needs: kind,
      measure: () => measureLoad(bench, kind, load),
    })),
}))

function kindsFor({ isSample }: Bench): readonly ServerKind[] {
  return isSample ? ['y-sealed', 'y-websocket', 'forwarder'] : serverKinds
}

async function measureLoad(bench: Bench, kind: ServerKind, load: LoadCase): Promise<Figures> {
  const names = Array.from({ length: load.rooms }, (_, index) => `room-${index}`)
  // One core is the server's. More than three processes would only help on machines where one is not the limit.
  const processes = Math.min(names.length, 3, Math.max(1, availableParallelism() - 1))
  return withServer(bench, kind, async ({ server, startClients }) => {
    const clients = Array.from({ length: processes }, () => startClients('clients/load-process'))
    await Promise.all(
      clients.map(({ call }, index) =>
        call('connect', {
          kind,
          url: server.url,
          rooms: names.filter((_, room) => room % processes === index),
          clientsPerRoom: load.writersPerRoom,
        } satisfies ConnectInput),
      ),
    )
    const type = async (typingMs: number): Promise<SaturateResult[]> => {
      const { keystrokesInFlightPerWriter } = load
      const input: SaturateInput = { typingMs, keystrokesInFlightPerWriter }
      return Promise.all(clients.map(({ call }) => call<SaturateResult>('saturate', input)))
    }
    await type(bench.isSample ? SAMPLE_MS : WARM_UP_MS)
    const before = await server.usage()
    const results = await type(bench.isSample ? SAMPLE_MS : TYPING_MS)
    const after = await server.usage()

    const cpuSeconds = after.cpuSeconds - before.cpuSeconds
    const delivered = sum(results, ({ delivered }) => delivered)
    const seconds = Math.max(...results.map(({ elapsedMs }) => elapsedMs)) / 1_000
    return {
      cpuSecondsPer100k: (cpuSeconds / delivered) * 100_000,
      deliveriesPerSecond: delivered / seconds,
      serverCpuShare: cpuSeconds / seconds,
      loadCpuShare: sum(results, ({ loadCpuShare }) => loadCpuShare) / processes,
      undelivered: sum(results, ({ expected }) => expected) - delivered,
    }
  })
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
