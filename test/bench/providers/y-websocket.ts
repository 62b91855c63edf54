import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { meteredWebSocket } from './metered-web-socket.ts'
import type { MakeProvider } from './real-provider.ts'

export function load(): { make: MakeProvider; yjs: typeof Y } {
  return { make, yjs: Y }
}

const make: MakeProvider = ({ url, room, clientId }) => {
  const doc = new Y.Doc()
  if (clientId !== undefined) doc.clientID = clientId
  const { Metered, meter } = meteredWebSocket()
  const provider = new WebsocketProvider(url, room, doc, {
    // Its type is the browser's class; ws has what of it is used.
    WebSocketPolyfill: Metered as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  })
  return {
    doc,
    whenSynced: new Promise((resolve) => provider.once('sync', () => resolve())),
    meter,
    // It tells nobody what has arrived: what was typed has been given to the socket.
    flush: async () => {},
    destroy: () => provider.destroy(),
  }
}
