import type { OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { TypeTogetherInput, TypeTogetherResult } from '../providers/type-together.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

// Five people who all type are a busy document; their providers share one process, whose core is the limit.
const WRITERS = 5
const KEYSTROKES_PER_WRITER = 2_000
const SAMPLE_KEYSTROKES_PER_WRITER = 50
const WARM_UP_KEYSTROKES_PER_WRITER = 200
// As in the rows with raw clients.
const IN_FLIGHT_PER_WRITER = 10

/** End to end: what real providers in one room get through, and what the server costs them. */
export const providerLoadRow: Row = {
  name: 'providers-one-room',
  title: `1 room × ${WRITERS} real providers, as fast as they can`,
  note:
    `End to end: ${WRITERS} providers with their documents in one process, each at most ${IN_FLIGHT_PER_WRITER} keystrokes ahead of the slowest. ` +
    'The process of the providers is the limit; a delivery is a keystroke that another document has applied.',
  metrics: [
    { key: 'deliveriesPerSecond', label: 'deliveries/s', digits: 0, isCompared: true },
    { key: 'cpuSecondsPer100k', label: 'server CPU-s / 100k', digits: 3, isCompared: true },
    { key: 'undelivered', label: 'undelivered', digits: 0 },
  ],
  goals: [],
  subjects: (bench) =>
    (bench.isSample ? (['y-sealed', 'y-websocket'] as const) : providerKinds).map((kind) => ({
      name: kind,
      needs: kind,
      measure: () => measureTogether(bench, kind),
    })),
}

async function measureTogether(bench: Bench, kind: ProviderKind): Promise<Figures> {
  return withServer(bench, kind, async ({ server, startClients }) => {
    const { call } = startClients('providers/provider-process')
    await call('open', { kind, url: server.url, room: 'room', count: WRITERS } satisfies OpenInput)
    const type = (keystrokesPerWriter: number): Promise<TypeTogetherResult> =>
      call('typeTogether', {
        keystrokesPerWriter,
        keystrokesInFlightPerWriter: IN_FLIGHT_PER_WRITER,
      } satisfies TypeTogetherInput)
    await type(bench.isSample ? SAMPLE_KEYSTROKES_PER_WRITER : WARM_UP_KEYSTROKES_PER_WRITER)
    const before = await server.usage()
    const wanted = bench.isSample ? SAMPLE_KEYSTROKES_PER_WRITER : KEYSTROKES_PER_WRITER
    const { delivered, elapsedMs } = await type(wanted)
    const after = await server.usage()
    return {
      deliveriesPerSecond: delivered / (elapsedMs / 1_000),
      cpuSecondsPer100k: ((after.cpuSeconds - before.cpuSeconds) / delivered) * 100_000,
      undelivered: wanted * WRITERS * (WRITERS - 1) - delivered,
    }
  })
}
