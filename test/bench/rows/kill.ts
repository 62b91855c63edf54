import { setTimeout as after } from 'node:timers/promises'
import type { OpenedDocument, OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { TypePacedInput } from '../providers/type-paced.ts'
import { atMost } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

const KILLS = 20
const SAMPLE_KILLS = 1
// A very quick typist: several keystrokes are under way at any moment.
const EVERY_MS = 5
// Longer than any session here: typing ends with the process that types.
const KEYSTROKES = 100_000
// Between them, short sessions and some that are longer than the two seconds after which Hocuspocus stores.
const SHORTEST_MS = 300
const SPREAD_MS = 4_000
const SAMPLE_SPREAD_MS = 300
// Coprime to the spread: the sessions of a run end all over it, and every run has the same ones.
const STRIDE_MS = 1_237
// For what was on its way to a client when its server died.
const AFTERMATH_MS = 200
// y-websocket answers before its store has been read; what comes, comes within this time.
const READ_LIMIT_MS = 3_000
const LOOK_EVERY_MS = 50

/** kill -9 in mid-typing. */
export const killRow: Row = {
  name: 'kill',
  title: `kill -9 in mid-typing, ${KILLS} times, persistence on: updates lost that the client was told were saved`,
  note:
    'Told: y-sealed by an ack (`flush()`), Hocuspocus by `unsyncedChanges` = 0, y-websocket by the update having reached another client (it tells nobody more). ' +
    'Then the server starts again on the same data and a fresh client looks. Hocuspocus stores through its database extension into SQLite, y-websocket into leveldb.',
  repetitions: ({ isSample }) => (isSample ? SAMPLE_KILLS : KILLS),
  metrics: [
    { key: 'typed', label: 'typed', digits: 0, isTotal: true },
    { key: 'told', label: 'told saved', digits: 0, isTotal: true },
    { key: 'lost', label: 'lost of these', digits: 0, isTotal: true },
    { key: 'sessionsWithLoss', label: 'sessions with loss', digits: 0, isTotal: true },
  ],
  goals: [atMost('y-sealed', 'lost', 'updates lost', 0, '')],
  subjects: (bench) =>
    (bench.isSample ? (['y-sealed', 'y-websocket'] as const) : providerKinds).map((kind) => ({
      name: kind,
      needs: kind,
      measure: (repetition: number) => killOnce(bench, kind, repetition),
    })),
}

async function killOnce(bench: Bench, kind: ProviderKind, repetition: number): Promise<Figures> {
  const sessionMs = SHORTEST_MS + ((repetition * STRIDE_MS) % (bench.isSample ? SAMPLE_SPREAD_MS : SPREAD_MS))
  return withServer(
    bench,
    kind,
    async ({ server, startClients }) => {
      const open = async () => {
        const client = startClients('providers/provider-process')
        const [opened] = await client.call<OpenedDocument[]>('open', {
          kind,
          url: server.url,
          room: 'room',
          count: 1,
          notesSavings: true,
        } satisfies OpenInput)
        return { client, opened }
      }
      const { client: writer } = await open()
      const { client: observer } = await open()
      const typing = writer.call('typePaced', { keystrokes: KEYSTROKES, everyMs: EVERY_MS } satisfies TypePacedInput)
      // It ends with its process.
      typing.catch(() => {})
      await after(sessionMs)
      await server.kill()
      await after(AFTERMATH_MS)
      const typed = await writer.call<number>('characters')
      const { saved } = await writer.call<{ saved: number }>('savings')
      const seen = await observer.call<number>('characters')
      // Both hold the document: left alive, they would bring back what the server has lost.
      await Promise.all([writer.end(), observer.end()])

      await server.restart()
      const { client: reader } = await open()
      const told = kind === 'y-websocket' ? seen : saved
      const limitMs = performance.now() + READ_LIMIT_MS
      let found = await reader.call<number>('characters')
      while (found < told && performance.now() < limitMs) {
        await after(LOOK_EVERY_MS)
        found = await reader.call<number>('characters')
      }
      const lost = Math.max(0, told - found)
      return { typed, told, lost, sessionsWithLoss: lost > 0 ? 1 : 0 }
    },
    { isPersistent: true },
  )
}
