import { setTimeout as after } from 'node:timers/promises'
import type { ConnectInput } from '../clients/load-process.ts'
import type { OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

const KEYSTROKES = 40
// What is on its way arrives in milliseconds; what has not by then is miscounted.
const ARRIVAL_LIMIT_MS = 5_000
const LOOK_EVERY_MS = 20

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
    await provider.call('typeOneByOne', KEYSTROKES)
    const countedByLoadClient = await settled(() => load.call<number>('heard'), KEYSTROKES)

    await load.call('typeBlindly', KEYSTROKES)
    const all = await settled(() => provider.call<number>('characters'), 2 * KEYSTROKES)
    const gotByRealProvider = all - KEYSTROKES
    return {
      countedByLoadClient,
      gotByRealProvider,
      miscounted: Math.abs(countedByLoadClient - KEYSTROKES) + Math.abs(gotByRealProvider - KEYSTROKES),
    }
  })
}

/** Looks until a count is what it should be, or was given the time to be. */
async function settled(look: () => Promise<number>, expected: number): Promise<number> {
  const limitMs = performance.now() + ARRIVAL_LIMIT_MS
  for (;;) {
    const count = await look()
    if (count >= expected || performance.now() > limitMs) return count
    await after(LOOK_EVERY_MS)
  }
}
