import type { RawReading } from '../clients/protocols/sealed-reader.ts'
import type { GreetInput } from '../clients/reader-process.ts'
import type { OpenedDocument, OpenInput } from '../providers/provider-process.ts'
import { percentile } from '../report/statistics.ts'
import { atMostOfSubject } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { settleSealed } from './settle-sealed.ts'
import { withServer } from './with-server.ts'

const ROOM = 'hall'
const RAW_READERS = 148
const REAL_READERS = 2
const SAMPLE_RAW_READERS = 8
// Three gigabytes through one core's worth of sockets and ciphers.
const READ_LIMIT_MS = 5 * 60_000
const WRITE_LIMIT_MS = 5 * 60_000
// Memory that grew with the document would be half as much again with twice the document; allocators and garbage make a few per cent.
const GROWTH = 1.15

const LARGE = '20 MB'
const SMALL = '10 MB'

/** A lecture hall opens one large document at once. */
export const crowdRow: Row = {
  name: 'crowd',
  title: `${RAW_READERS + REAL_READERS} clients open one large document at once`,
  note:
    `${RAW_READERS} raw readers, who open every chunk (and so check its tag) and keep nothing, timed from their join; and ${REAL_READERS} real providers, from their construction. The relay was just restarted. ` +
    'Peak is the largest resident memory of the relay (VmHWM).',
  metrics: [
    { key: 'p50Seconds', label: 'p50 s', digits: 2 },
    { key: 'p99Seconds', label: 'p99 s', digits: 2 },
    { key: 'realSeconds', label: 'real providers s', digits: 2 },
    { key: 'peakMb', label: 'relay peak MB', digits: 0 },
    { key: 'idleMb', label: 'relay before MB', digits: 0 },
    { key: 'relayCpuSeconds', label: 'relay CPU s', digits: 1 },
    { key: 'downMb', label: 'MB down each', digits: 2 },
  ],
  goals: [atMostOfSubject(LARGE, SMALL, 'peakMb', 'relay peak memory at 20 MB', GROWTH)],
  subjects: (bench) =>
    bench.isSample
      ? [{ name: '1 MB', measure: () => measureCrowd(bench, 1_000_000) }]
      : [
          { name: LARGE, measure: () => measureCrowd(bench, 20_000_000) },
          { name: SMALL, measure: () => measureCrowd(bench, 10_000_000) },
        ],
}

async function measureCrowd(bench: Bench, documentBytes: number): Promise<Figures> {
  return withServer(bench, 'y-sealed', async (running) => {
    const { server, startClients } = running
    const writer = startClients('providers/provider-process')
    const { url } = server
    await writer.call('open', { kind: 'y-sealed', url, room: ROOM, count: 1 } satisfies OpenInput)
    await writer.call('writeText', documentBytes, WRITE_LIMIT_MS)
    if (!bench.isSample) await settleSealed(running, ROOM, writer)
    await writer.end()
    await server.restart()

    const before = await server.usage()
    const rawReaders = bench.isSample ? SAMPLE_RAW_READERS : RAW_READERS
    const real: OpenInput = {
      kind: 'y-sealed',
      url,
      room: ROOM,
      count: REAL_READERS,
      isAtOnce: true,
      characters: documentBytes,
    }
    const halls = [startClients('clients/reader-process'), startClients('clients/reader-process')]
    const half: GreetInput = { url, count: rawReaders / 2 }
    await Promise.all(halls.map(({ call }) => call('connect', half)))
    const providers = startClients('providers/provider-process')
    const [openings, ...readings] = await Promise.all([
      providers.call<OpenedDocument[]>('open', real, READ_LIMIT_MS),
      ...halls.map(({ call }) => call<RawReading[]>('read', ROOM, READ_LIMIT_MS)),
    ])
    const after = await server.usage()
    const raw = readings.flat()
    const seconds = [...openings, ...raw].map(({ openMs }) => openMs / 1_000)
    return {
      p50Seconds: percentile(seconds, 0.5),
      p99Seconds: percentile(seconds, 0.99),
      realSeconds: Math.max(...openings.map(({ openMs }) => openMs)) / 1_000,
      peakMb: after.peakResidentBytes / 1e6,
      idleMb: before.residentBytes / 1e6,
      relayCpuSeconds: after.cpuSeconds - before.cpuSeconds,
      downMb: percentile(
        raw.map(({ downBytes }) => downBytes / 1e6),
        0.5,
      ),
    }
  })
}
