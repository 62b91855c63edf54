import type { ConnectInput } from '../clients/load-process.ts'
import type { OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { TypePacedInput } from '../providers/type-paced.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

// Slower than a round trip: every keystroke of a real provider is an entry of its own.
const EVERY_MS = 30
const KEYSTROKES = 40
const ARRIVAL_MS = 500

/** That the load clients count what real providers see, checked once in each run: everything else rests on it. */
export const countingCheckRow: Row = {
  name: 'counting',
  title: `do load clients count right? ${KEYSTROKES} keystrokes each way between a load client and a real provider`,
  note: 'A load client counts what a real provider types, and a real provider gets what a load client types. Here y-sealed’s seals for real.',
  repetitions: () => 1,
  metrics: [
    { key: 'countedByLoadClient', label: 'counted by the load client', digits: 0 },
    { key: 'gotByRealProvider', label: 'got by the real provider', digits: 0 },
    { key: 'miscounted', label: 'miscounted', digits: 0 },
  ],
  goals: [],
  subjects: (bench) =>
    (bench.isSample ? (['y-sealed', 'y-websocket'] as const) : providerKinds).map((kind) => ({
      name: kind,
      needs: kind,
      measure: () => compareCounts(bench, kind),
    })),
}

async function compareCounts(bench: Bench, kind: ProviderKind): Promise<Figures> {
  return withServer(bench, kind, async ({ server, startClients }) => {
    const provider = startClients('providers/provider-process')
    await provider.call('open', { kind, url: server.url, room: 'room', count: 1 } satisfies OpenInput)
    const load = startClients('clients/load-process')
    const { url } = server
    const client: ConnectInput = { kind, url, rooms: ['room'], clientsPerRoom: 1, sealsReally: kind === 'y-sealed' }
    await load.call('connect', client)

    await load.call('listen')
    await provider.call('typePaced', { keystrokes: KEYSTROKES, everyMs: EVERY_MS } satisfies TypePacedInput)
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS))
    const countedByLoadClient = await load.call<number>('heard')

    await load.call('typeBlindly', KEYSTROKES)
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS))
    const gotByRealProvider = (await provider.call<number>('characters')) - KEYSTROKES
    return {
      countedByLoadClient,
      gotByRealProvider,
      miscounted: Math.abs(countedByLoadClient - KEYSTROKES) + Math.abs(gotByRealProvider - KEYSTROKES),
    }
  })
}
