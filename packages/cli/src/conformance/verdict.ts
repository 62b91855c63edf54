/** A rule is not kept. Both texts are printed: never a key, a token or a body in them. */
export class Unmet extends Error {
  override readonly name = 'Unmet'
  readonly expected: string
  readonly got: string

  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`)
    this.expected = expected
    this.got = got
  }
}

/** A rule cannot be looked at, and why. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** What became of one rule. */
export type Verdict =
  | { readonly verdict: 'pass'; readonly note?: string }
  | { readonly verdict: 'fail'; readonly expected: string; readonly got: string }
  | { readonly verdict: 'skip'; readonly reason: string }
