import type * as Y from 'yjs'
import type { ServerKind } from '../servers/server-kind.ts'
import type { Meter } from './metered-web-socket.ts'

/** The servers that have a provider for Yjs documents. */
export const providerKinds = ['y-sealed', 'y-websocket', 'hocuspocus'] as const satisfies readonly ServerKind[]
export type ProviderKind = (typeof providerKinds)[number]

/** A provider as an app uses it, with its document. */
export interface RealProvider {
  readonly doc: Y.Doc
  readonly whenSynced: Promise<void>
  readonly meter: Meter
  /**
   * Set before anything is typed, by whoever wants to know; called with how many updates the user has been told are saved: by a durable ack, or
   * by what else the provider says. Never called where it says nothing.
   */
  onSaved?: (updates: number) => void
  /** Resolves when everything typed so far has been sent, or confirmed where the provider can tell. */
  flush(): Promise<void>
  /** y-sealed's checkpoint on demand, where this version has one. */
  compact?: () => Promise<void>
  destroy(): void
}

export interface ProviderSettings {
  readonly url: string
  readonly room: string
  /** The same for all, where bytes are compared: Yjs' ids are random numbers of one to five bytes. */
  readonly clientId?: number
  /** y-sealed's. */
  readonly padding?: boolean
}

/** Makes a provider at once, so that the caller can time it from its construction. */
export type MakeProvider = (settings: ProviderSettings) => RealProvider

/** Loads what a kind of provider is made of. Only one kind may be loaded in a process: they do not share a copy of Yjs. */
export async function loadProvider(kind: ProviderKind): Promise<{ make: MakeProvider; yjs: typeof Y }> {
  switch (kind) {
    case 'y-sealed':
      return (await import('./sealed.ts')).load()
    case 'y-websocket':
      return (await import('./y-websocket.ts')).load()
    case 'hocuspocus':
      return (await import('./hocuspocus.ts')).load()
  }
}
