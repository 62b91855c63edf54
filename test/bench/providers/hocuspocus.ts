import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as Y from 'yjs'
import { peersFolder } from '../servers/places.ts'
import { meteredWebSocket, type WebSocketClass } from './metered-web-socket.ts'
import type { MakeProvider, RealProvider } from './real-provider.ts'

/** What is used of @hocuspocus/provider: installed on demand, so that its types are not at hand. */
interface Socket {
  destroy(): void
}
interface Provider {
  readonly unsyncedChanges: number
  on(event: 'synced' | 'unsyncedChanges', listener: () => void): void
  attach(): void
  destroy(): void
}
interface Hocuspocus {
  readonly HocuspocusProviderWebsocket: new (settings: { url: string; WebSocketPolyfill: WebSocketClass }) => Socket
  readonly HocuspocusProvider: new (settings: {
    websocketProvider: Socket
    name: string
    document: Y.Doc
    token: string
  }) => Provider
}

export async function load(): Promise<{ make: MakeProvider; yjs: typeof Y }> {
  const peers = createRequire(join(peersFolder, 'package.json'))
  const hocuspocus = peers('@hocuspocus/provider') as Hocuspocus
  // The copy that the provider itself uses: two of them would not know each other's documents.
  const yjs = peers('yjs') as typeof Y
  return { make: maker(hocuspocus, yjs), yjs }
}

function maker({ HocuspocusProvider, HocuspocusProviderWebsocket }: Hocuspocus, yjs: typeof Y): MakeProvider {
  return ({ url, room, clientId }) => {
    const doc = new yjs.Doc()
    if (clientId !== undefined) doc.clientID = clientId
    const { Metered, meter } = meteredWebSocket()
    const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: Metered })
    const provider = new HocuspocusProvider({ websocketProvider: socket, name: room, document: doc, token: 'any' })
    provider.attach()
    let typed = 0
    let waiting: (() => void)[] = []
    doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin !== provider) typed++
    })
    const real: RealProvider = {
      doc,
      whenSynced: new Promise((resolve) => provider.on('synced', resolve)),
      meter,
      flush: () => new Promise((resolve) => (provider.unsyncedChanges === 0 ? resolve() : waiting.push(resolve))),
      destroy() {
        provider.destroy()
        socket.destroy()
      },
    }
    provider.on('unsyncedChanges', () => {
      if (provider.unsyncedChanges > 0) return
      real.onSaved?.(typed)
      for (const resolve of waiting) resolve()
      waiting = []
    })
    return real
  }
}
