import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { BENCH_KEY } from '../clients/protocols/bench-keys.ts'
import { meteredWebSocket } from './metered-web-socket.ts'
import type { MakeProvider, RealProvider } from './real-provider.ts'

export function load(): { make: MakeProvider; yjs: typeof Y } {
  return { make, yjs: Y }
}

const make: MakeProvider = ({ url, room, clientId, padding = true }) => {
  const doc = new Y.Doc()
  if (clientId !== undefined) doc.clientID = clientId
  const { Metered, meter } = meteredWebSocket()
  const provider = new SealedProvider(url, room, doc, {
    keys: staticKey(BENCH_KEY),
    padding,
    WebSocketPolyfill: Metered,
    disableBc: true,
  })
  let typed = 0
  const real: RealProvider = {
    doc,
    whenSynced: provider.whenSynced,
    meter,
    flush: () => provider.flush(),
    destroy: () => provider.destroy(),
  }
  doc.on('update', (_update, origin) => {
    if (origin === provider || real.onSaved === undefined) return
    const number = ++typed
    // After the turn in which it is sent anyway: asking must not make it leave any sooner. A provider that ends first has not told its user.
    setImmediate(() =>
      provider.flush().then(
        () => real.onSaved?.(number),
        () => {},
      ),
    )
  })
  // Asked by name: a provider that makes no checkpoints on demand is measured as it is.
  if ('compact' in provider && typeof provider.compact === 'function') {
    const { compact } = provider
    real.compact = async () => void (await compact.call(provider))
  }
  return real
}
