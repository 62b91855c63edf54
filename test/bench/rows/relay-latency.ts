import type { ConnectInput } from '../clients/load-process.ts'
import type { PaceInput, PaceResult } from '../clients/pace.ts'
import { percentile } from '../report/statistics.ts'
import { type ServerKind, serverKinds } from '../servers/server-kind.ts'
import { atMostAboveYWebsocket, atMostOfYWebsocket } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { type TimedSubject, timedSubjects } from './timed-subject.ts'
import { type Running, withServer } from './with-server.ts'

// A quick typist makes ten keystrokes a second; two of them in one document.
const EVERY_MS = 50
// Ten seconds: enough for a 99th percentile that is not the largest of them all.
const KEYSTROKES = 200
const SAMPLE_KEYSTROKES = 10
const SAMPLE_KINDS: readonly ServerKind[] = ['y-sealed', 'y-websocket', 'forwarder']
// What the first keystrokes cost more than the rest is compilation.
const WARM_UP_KEYSTROKES = 20

/** How long a keystroke is on its way from raw client to raw client, and to the confirmation of its writer. */
export const relayLatencyRows: readonly Row[] = [1, 20].map((readers) => ({
  name: `latency-1-to-${readers}`,
  title: `keystroke → ${readers === 1 ? 'another client' : `${readers} other clients`}, paced 20/s`,
  note:
    'Raw clients: server and sockets alone, without sealing and Yjs (see the rows with real providers). ' +
    'What confirms: y-sealed a durable ack, secsync likewise, Hocuspocus that it is in memory, y-websocket an echo.',
  metrics: [
    { key: 'p50Ms', label: 'p50 ms', digits: 2, isCompared: true },
    { key: 'p99Ms', label: 'p99 ms', digits: 2, isCompared: true },
    { key: 'confirmedP50Ms', label: 'confirmed p50 ms', digits: 2, isCompared: true },
    { key: 'confirmedP99Ms', label: 'confirmed p99 ms', digits: 2, isCompared: true },
    { key: 'upBytes', label: 'wire up B/keystroke', digits: 0, isCompared: true },
    { key: 'downBytes', label: 'wire down B/keystroke', digits: 0, isCompared: true },
    { key: 'lost', label: 'lost', digits: 0 },
  ],
  goals: [atMostAboveYWebsocket('p50Ms', 'p50', 1, 'ms'), atMostOfYWebsocket('p99Ms', 'p99', 1.5)],
  subjects: (bench) =>
    // Of the sample the harder of the two.
    (bench.isSample && readers === 1 ? [] : timedSubjects(bench, SAMPLE_KINDS, serverKinds)).map((subject) => ({
      name: subject.name,
      needs: subject.kind,
      measure: () => measureLatency(bench, subject, readers),
    })),
}))

async function measureLatency(
  bench: Bench,
  { kind, settings }: TimedSubject<ServerKind>,
  readers: number,
): Promise<Figures> {
  const measure = async ({ server, startClients }: Running): Promise<Figures> => {
    const { call } = startClients('clients/load-process')
    const everybody: ConnectInput = { kind, url: server.url, rooms: ['room'], clientsPerRoom: readers + 1 }
    await call('connect', everybody)
    await call('pace', { keystrokes: WARM_UP_KEYSTROKES, everyMs: 10 } satisfies PaceInput)
    const keystrokes = bench.isSample ? SAMPLE_KEYSTROKES : KEYSTROKES
    const result = await call<PaceResult>('pace', { keystrokes, everyMs: EVERY_MS } satisfies PaceInput)
    const confirms = result.toConfirmationMs.length > 0
    return {
      p50Ms: percentile(result.toOthersMs, 0.5),
      p99Ms: percentile(result.toOthersMs, 0.99),
      ...(confirms && {
        confirmedP50Ms: percentile(result.toConfirmationMs, 0.5),
        confirmedP99Ms: percentile(result.toConfirmationMs, 0.99),
      }),
      upBytes: result.writerUpBytes / keystrokes,
      downBytes: result.readerDownBytes / keystrokes,
      lost: keystrokes * readers - result.toOthersMs.length,
    }
  }
  return withServer(bench, kind, measure, settings)
}
