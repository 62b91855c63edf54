import { createKeyServer, type Log as KeyLog } from '@y-sealed/key-endpoint'
import { createLog, createRelay } from '@y-sealed/relay'
import type { Awareness } from 'y-protocols/awareness'
import { keyEndpoint } from 'y-sealed'
import { WebsocketProvider as CompatProvider } from 'y-sealed/compat'
import { WebsocketProvider as PlainProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { startPlainServer } from '../support/plain-server.ts'

/** What a user of y-websocket 3.1 touches. Everything in the shared scenarios goes through this. */
export interface CommonProvider {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly roomname: string
  readonly synced: boolean
  readonly wsconnected: boolean
  readonly wsconnecting: boolean
  readonly shouldConnect: boolean
  connect(): unknown
  disconnect(): void
  destroy(): void
  on(event: string, listener: (...args: never[]) => void): unknown
  once(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
}

export interface CommonOptions {
  connect?: boolean
  awareness?: Awareness
  maxBackoffTime?: number
  disableBc?: boolean
  WebSocketPolyfill?: typeof WebSocket
  shouldReconnect?: (event: CloseEvent, provider: never) => boolean
}

export type CommonConstructor = new (url: string, room: string, doc: Y.Doc, options: CommonOptions) => CommonProvider

export interface Field {
  readonly url: string
  readonly Provider: CommonConstructor
  /** What this field's provider needs beyond y-websocket's options. */
  readonly options: object
  close(): Promise<void>
}

/** y-websocket 3.1.0 and its server: the behaviour we promise to share. */
async function openPlainField(): Promise<Field> {
  const server = await startPlainServer()
  return { ...server, Provider: PlainProvider as unknown as CommonConstructor, options: {} }
}

const silentKeyLog: KeyLog = { info: () => {}, warn: () => {}, error: () => {} }

/** The same with one import changed and `keys` added. */
async function openSealedField(): Promise<Field> {
  const relay = await createRelay({ data: 'memory', port: 0, log: createLog('silent') })
  const keyServer = await createKeyServer({ data: 'memory', port: 0, log: silentKeyLog })
  return {
    url: relay.url,
    Provider: CompatProvider as unknown as CommonConstructor,
    options: { keys: keyEndpoint(keyServer.url) },
    async close() {
      await relay.close()
      await keyServer.close()
    },
  }
}

export const fields = [
  { name: 'y-websocket 3.1.0 and its server', open: openPlainField },
  { name: 'y-sealed', open: openSealedField },
] as const
