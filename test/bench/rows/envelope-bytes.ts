import { readStoredEnvelopes } from '../clients/stored-envelopes.ts'
import type { OpenInput } from '../providers/provider-process.ts'
import type { ProviderKind } from '../providers/real-provider.ts'
import type { TypePacedInput } from '../providers/type-paced.ts'
import { atMost } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

// Slower than a round trip, so that every keystroke is an entry of its own: the dearest way to type.
const EVERY_MS = 50
const KEYSTROKES = 100
const SAMPLE_KEYSTROKES = 10
// Until the last one has arrived everywhere.
const ARRIVAL_MS = 300

const ON = 'y-sealed, padding on'
const OFF = 'y-sealed, padding off'

/** What a keystroke costs in bytes: sealed and stored, and on the wire of its writer and of one reader. */
export const envelopeBytesRow: Row = {
  name: 'bytes',
  title: 'bytes per keystroke, each an entry of its own',
  note:
    'Real providers, 20 keystrokes a second. Overhead is the envelope less the update of Yjs in it; the first entry of a connection is left out (it says ' +
    'what its writer knew). Wire: WebSocket frames with their heads, everything that the writer sent and that one reader got.',
  metrics: [
    { key: 'envelopeBytes', label: 'envelope B', digits: 1 },
    { key: 'overheadBytes', label: 'overhead B', digits: 1 },
    { key: 'updateBytes', label: 'Yjs update B', digits: 1 },
    { key: 'upBytes', label: 'wire up B', digits: 1 },
    { key: 'downBytes', label: 'wire down B', digits: 1 },
  ],
  goals: [
    atMost(OFF, 'overheadBytes', 'overhead without padding', 40, 'B'),
    atMost(ON, 'envelopeBytes', 'envelope with padding', 100, 'B'),
  ],
  subjects: (bench) => [
    { name: ON, measure: () => measureBytes(bench, 'y-sealed', true) },
    { name: OFF, measure: () => measureBytes(bench, 'y-sealed', false) },
    ...(bench.isSample ? [] : (['y-websocket', 'hocuspocus'] as const)).map((kind) => ({
      name: kind,
      needs: kind,
      measure: () => measureBytes(bench, kind, true),
    })),
  ],
}

interface Wire {
  readonly upBytes: number
  readonly downBytes: number
}

async function measureBytes(bench: Bench, kind: ProviderKind, padding: boolean): Promise<Figures> {
  return withServer(bench, kind, async ({ server, startClients }) => {
    const settings = { kind, url: server.url, room: 'room', count: 1, padding } satisfies OpenInput
    const writer = startClients('providers/provider-process')
    await writer.call('open', settings)
    const reader = startClients('providers/provider-process')
    await reader.call('open', settings)
    const type = async (keystrokes: number): Promise<void> => {
      await writer.call('typePaced', { keystrokes, everyMs: EVERY_MS } satisfies TypePacedInput)
      await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS))
    }
    await type(2)
    const upBefore = await writer.call<Wire>('wire')
    const downBefore = await reader.call<Wire>('wire')
    const updatesBefore = await writer.call<number>('updateBytes')
    const keystrokes = bench.isSample ? SAMPLE_KEYSTROKES : KEYSTROKES
    await type(keystrokes)
    const up = (await writer.call<Wire>('wire')).upBytes - upBefore.upBytes
    const down = (await reader.call<Wire>('wire')).downBytes - downBefore.downBytes
    const updateBytes = ((await writer.call<number>('updateBytes')) - updatesBefore) / keystrokes
    const wire = { updateBytes, upBytes: up / keystrokes, downBytes: down / keystrokes }
    if (kind !== 'y-sealed') return wire

    const envelopes = (await readStoredEnvelopes(server.url, 'room')).slice(-keystrokes)
    const envelopeBytes = envelopes.reduce((sum, { length }) => sum + length, 0) / keystrokes
    return { ...wire, envelopeBytes, overheadBytes: envelopeBytes - updateBytes }
  })
}
