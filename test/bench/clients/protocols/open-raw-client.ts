import type { ServerKind } from '../../servers/server-kind.ts'
import type { OpenRawClient } from '../raw-client.ts'
import { openHocuspocusClient } from './hocuspocus.ts'
import { openSecsyncClient } from './secsync.ts'
import { openSealedClient } from './y-sealed.ts'
import { openForwarderClient, openYWebsocketClient } from './y-websocket.ts'

export const openRawClient: Readonly<Record<ServerKind, OpenRawClient>> = {
  'y-sealed': (url, room, clientId) => openSealedClient(url, room, clientId),
  'y-websocket': openYWebsocketClient,
  hocuspocus: openHocuspocusClient,
  secsync: openSecsyncClient,
  forwarder: openForwarderClient,
}
