import type { OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { TypePacedInput } from '../providers/type-paced.ts'
import { percentile } from '../report/statistics.ts'
import { atMostAboveYWebsocket, atMostOfYWebsocket } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { type TimedSubject, timedSubjects } from './timed-subject.ts'
import { type Running, withServer } from './with-server.ts'

// A quick typist makes ten keystrokes a second; two of them in one document.
const EVERY_MS = 50
// Ten seconds: enough for a 99th percentile that is not the largest of them all.
const KEYSTROKES = 200
const SAMPLE_KEYSTROKES = 10
const SAMPLE_KINDS: readonly ProviderKind[] = ['y-sealed', 'y-websocket']
// What the first keystrokes cost more than the rest is compilation.
const WARM_UP_KEYSTROKES = 20
// The last keystroke's way, many times over.
const ARRIVAL_MS = 300

/** The same with real providers: sealing, opening and Yjs included. */
export const providerLatencyRows: readonly Row[] = [1, 20].map((readers) => ({
  name: `screen-1-to-${readers}`,
  title: `keystroke → ${readers === 1 ? 'another screen' : `${readers} other screens`}, real providers, paced 20/s`,
  note:
    'From the edit of one document to the change of another, in two processes; the other readers share a third. ' +
    'What confirms: y-sealed a durable ack, Hocuspocus that it is in memory.',
  metrics: [
    { key: 'p50Ms', label: 'p50 ms', digits: 2, isCompared: true },
    { key: 'p99Ms', label: 'p99 ms', digits: 2, isCompared: true },
    { key: 'savedP50Ms', label: 'told saved p50 ms', digits: 2, isCompared: true },
    { key: 'savedP99Ms', label: 'told saved p99 ms', digits: 2, isCompared: true },
    { key: 'lost', label: 'lost', digits: 0 },
  ],
  goals: [atMostAboveYWebsocket('p50Ms', 'p50', 1, 'ms'), atMostOfYWebsocket('p99Ms', 'p99', 1.5)],
  subjects: (bench) =>
    // Of the sample the one with fewer processes.
    (bench.isSample && readers > 1 ? [] : timedSubjects(bench, SAMPLE_KINDS, providerKinds)).map((subject) => ({
      name: subject.name,
      needs: subject.kind,
      measure: () => measureScreens(bench, subject, readers),
    })),
}))

async function measureScreens(
  bench: Bench,
  { kind, settings }: TimedSubject<ProviderKind>,
  readers: number,
): Promise<Figures> {
  const measure = async ({ server, startClients }: Running): Promise<Figures> => {
    const open = async (count: number, notesSavings: boolean) => {
      const { call } = startClients('providers/provider-process')
      await call('open', { kind, url: server.url, room: 'room', count, notesSavings } satisfies OpenInput)
      return call
    }
    const writer = await open(1, true)
    const reader = await open(1, false)
    if (readers > 1) await open(readers - 1, false)
    const type = (keystrokes: number, everyMs: number): Promise<number[]> =>
      writer('typePaced', { keystrokes, everyMs } satisfies TypePacedInput)
    await type(WARM_UP_KEYSTROKES, 10)
    const keystrokes = bench.isSample ? SAMPLE_KEYSTROKES : KEYSTROKES
    const typedAtMs = await type(keystrokes, EVERY_MS)
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS))

    const since = (atMs: readonly number[]): number[] =>
      atMs.slice(WARM_UP_KEYSTROKES).map((nowMs, k) => nowMs - (typedAtMs[k] ?? Number.NaN))
    const arrivals = since(await reader<number[]>('arrivals'))
    const { savedAtMs } = await writer<{ savedAtMs: number[] }>('savings')
    const savings = since(savedAtMs)
    return {
      p50Ms: percentile(arrivals, 0.5),
      p99Ms: percentile(arrivals, 0.99),
      ...(savings.length > 0 && {
        savedP50Ms: percentile(savings, 0.5),
        savedP99Ms: percentile(savings, 0.99),
      }),
      lost: keystrokes - arrivals.length,
    }
  }
  return withServer(bench, kind, measure, settings)
}
