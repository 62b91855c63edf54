import { cpSync } from 'node:fs'
import { sharedData } from '../../support/shared-data.ts'
import type { OpenedDocument, OpenInput } from '../providers/provider-process.ts'
import { type ProviderKind, providerKinds } from '../providers/real-provider.ts'
import type { WriteTraceInput } from '../providers/write-document.ts'
import { folderBytes } from '../servers/folder-bytes.ts'
import { makeScratchFolder } from '../servers/scratch-folder.ts'
import { atMostOfYWebsocket } from './goals.ts'
import { type Bench, type Figures, type Row, Unavailable } from './row.ts'
import { settleSealed } from './settle-sealed.ts'
import { withServer } from './with-server.ts'

const TRACE = 'automerge-paper.json.gz'
const ROOM = 'paper'
// 260,000 edits through a provider that seals each of them.
const WRITE_LIMIT_MS = 10 * 60_000

/** Opening a document with a long history for the first time. */
export const coldOpenRow: Row = {
  name: 'cold-open',
  title: 'cold open of a document with 260,000 edits (automerge-paper)',
  note:
    'Written by client id 1 for all: through y-sealed edit by edit, into the peers as one update. From the construction of a provider in a fresh process ' +
    'to `sync(true)` with the whole text there. Restarted: the first to open it since the server started; warm: the second; again: the same process once more.',
  metrics: [
    { key: 'warmMs', label: 'warm ms', digits: 0, isCompared: true },
    { key: 'restartedMs', label: 'restarted ms', digits: 0, isCompared: true },
    { key: 'againMs', label: 'again ms', digits: 0, isCompared: true },
    { key: 'downKb', label: 'kB down', digits: 1, isCompared: true },
    { key: 'stateKb', label: 'Yjs state kB', digits: 1 },
    { key: 'storedKb', label: 'kB on disk', digits: 0 },
  ],
  goals: [
    atMostOfYWebsocket('warmMs', 'warm', 1.2),
    atMostOfYWebsocket('restartedMs', 'just restarted', 1.2),
    atMostOfYWebsocket('downKb', 'bytes down', 1.1),
  ],
  subjects: (bench) =>
    bench.isSample
      ? []
      : providerKinds.map((kind) => ({ name: kind, needs: kind, measure: () => measureColdOpen(bench, kind) })),
}

async function measureColdOpen(bench: Bench, kind: ProviderKind): Promise<Figures> {
  const path = sharedData(TRACE)
  if (path === undefined) throw new Unavailable(`${TRACE} is not there: Y_SEALED_SHARED names its folder`)
  const { template, characters, stateKb, storedKb } = await written(bench, kind, path)
  const settings = { isPersistent: true, template }
  return withServer(
    bench,
    kind,
    async ({ server, startClients }) => {
      const open = async (count: number): Promise<OpenedDocument[]> => {
        const client = startClients('providers/provider-process')
        const input: OpenInput = { kind, url: server.url, room: ROOM, count, characters }
        const opened = await client.call<OpenedDocument[]>('open', input)
        // It stays: without anybody in the room some servers would forget the document.
        return opened
      }
      const [restarted] = await open(1)
      const [warm, again] = await open(2)
      if (restarted === undefined || warm === undefined || again === undefined) throw new Error('nothing was opened')
      return {
        restartedMs: restarted.openMs,
        warmMs: warm.openMs,
        againMs: again.openMs,
        downKb: warm.downBytes / 1_000,
        stateKb,
        storedKb,
      }
    },
    settings,
  )
}

interface Written {
  /** A copy of the server's data with the document in it. */
  readonly template: string
  readonly characters: number
  readonly stateKb: number
  readonly storedKb: number
}

const documents = new Map<ProviderKind, Promise<Written>>()

/** Written once in a run, however often it is opened. */
function written(bench: Bench, kind: ProviderKind, path: string): Promise<Written> {
  const known = documents.get(kind) ?? write(bench, kind, path)
  documents.set(kind, known)
  return known
}

function write(bench: Bench, kind: ProviderKind, path: string): Promise<Written> {
  const settings = { isPersistent: true }
  return withServer(
    bench,
    kind,
    async (running) => {
      const { server, startClients } = running
      const writer = startClients('providers/provider-process')
      const input: OpenInput = { kind, url: server.url, room: ROOM, count: 1, clientId: 1 }
      await writer.call('open', input)
      const trace: WriteTraceInput = { path, asHistory: kind === 'y-sealed' }
      const characters = await writer.call<number>('writeTrace', trace, WRITE_LIMIT_MS)
      if (kind === 'y-sealed') await settleSealed(running, ROOM, writer)
      const stateKb = (await writer.call<number>('stateBytes')) / 1_000
      await writer.end()
      // Hocuspocus stores two seconds after the last change at the latest, y-leveldb at once.
      await new Promise((resolve) => setTimeout(resolve, kind === 'y-sealed' ? 0 : 3_000))
      await server.stop()
      const template = makeScratchFolder(`paper-${kind}`)
      cpSync(server.dataFolder, template, { recursive: true })
      return { template, characters, stateKb, storedKb: folderBytes(template) / 1_000 }
    },
    settings,
  )
}
