import type { EnvelopeKind, Opened } from '@y-sealed/envelope'

/** An entry that the reader has taken from the log. */
export interface Taken {
  readonly sequence: number
  /** H behind it, 32 bytes; undefined where it cannot be computed. */
  readonly hash: Uint8Array | undefined
  /** Of the envelope. */
  readonly bytes: number
  /** Undefined: it does not open, and counts as an empty entry. */
  readonly from: Author | undefined
}

export interface Author {
  readonly salt: Uint8Array
  readonly kind: EnvelopeKind
  /** This session's own entry, which was not opened again; else what it says. */
  readonly opened: Opened | undefined
}
