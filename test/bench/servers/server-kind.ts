export const serverKinds = ['y-sealed', 'y-websocket', 'hocuspocus', 'secsync', 'forwarder'] as const

export type ServerKind = (typeof serverKinds)[number]

export interface ServerSettings {
  /** A folder of its own for what the server stores; empty at the first start. */
  readonly dataFolder: string
  /** 0: any free one. */
  readonly port: number
  /** Peers keep documents in memory unless asked; y-sealed always stores. */
  readonly isPersistent: boolean
  /** y-sealed only; default: as it ships, `full`. */
  readonly durability?: 'os' | undefined
}

/** How a server of this kind is started: a script, with its arguments and environment. It prints `… listening on ws://…`. */
export interface ServerCommand {
  readonly script: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}
