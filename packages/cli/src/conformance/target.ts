import type { Capability, DialectName } from './dialect.ts'

export type Headers = Readonly<Record<string, string>>

/** Who asks: the headers that each sends, such as `authorization` or `cookie`. */
export interface Users {
  /** May read and create. */
  readonly writer: Headers
  /** Another who may read the same documents. */
  readonly colleague?: Headers
  /** May read the documents, and create nothing. */
  readonly reader?: Headers
  /** Is known, and may read none of the documents. */
  readonly outsider?: Headers
  /** A token that is expired, or somebody else's. */
  readonly invalid?: Headers
}

/**
 * What becomes of hints: `stored`, each names a key that was given with it; `salt`, any hint gives some key of the
 * document; `ignored`, one key per document.
 */
export type HintKind = 'stored' | 'salt' | 'ignored'

/** One endpoint and what may be asked of it. */
export interface Target {
  readonly url: URL
  readonly dialect: DialectName
  readonly users: Users
  /** Documents that may be asked for; without them new ones are made up, with `documentPrefix`. */
  readonly documents?: readonly string[]
  readonly documentPrefix: string
  readonly hints: HintKind
  /** Which members beyond `key` and `keyHint` it knows; without it they are found out. */
  readonly knows?: readonly Capability[]
  /** A web origin that is allowed to ask. */
  readonly origin?: string
  /** Where what was given is noted, to be asked for again by the next run. */
  readonly memoryFile?: string
  /** What the endpoint has logged meanwhile. */
  readonly logFiles: readonly string[]
  /** For one answer. */
  readonly timeoutMs: number
}
