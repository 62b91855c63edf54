// What the page answers: types alone, so that the bench can share them without being made for a browser.

export interface SealThroughput {
  readonly sealedPerSecond: number
  readonly openedPerSecond: number
  readonly sealedMbPerSecond: number
  readonly openedMbPerSecond: number
}

/** What Yjs alone needs. */
export interface PlainYjs {
  readonly oneByOneMs: number
  readonly oneTransactionMs: number
}

export interface Arrived {
  readonly elapsedMs: number
  /** The longest time for which the page could not have answered its user. */
  readonly longestStallMs: number
  readonly characters: number
}

export interface CheckpointCost {
  readonly stateBytes: number
  /** One call that nothing can interrupt. */
  readonly encodeMs: number
  readonly sealMs: number
  readonly longestSealStallMs: number
}
