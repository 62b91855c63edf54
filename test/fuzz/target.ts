/** Something that takes bytes from a stranger. */
export interface Target {
  readonly name: string
  /** What is promised of every input, in one line. */
  readonly promise: string
  /** Cases of one sample in `npm test`: together they take seconds. */
  readonly sampleCases: number
  /** Each of these must come up in a sample, or the cases do not reach what they are for. */
  readonly mustMeet: readonly string[]
  open(): Promise<OpenTarget>
}

export interface OpenTarget {
  /** Valid inputs: cases are made of them. */
  readonly seeds: readonly Uint8Array[]
  /** An input whose fields were chosen, not its bytes; undefined: this time none. */
  invent?(random: () => number): Uint8Array | undefined
  /**
   * How the input was decided: `accepted`, the code of a typed error, or another word for a decision that is promised. Throws whatever breaks
   * the promise.
   */
  check(input: Uint8Array): string | Promise<string>
  close?(): Promise<void>
}

/** A promise that was not kept. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

/** Throws BrokenPromise unless it is so. */
export function promised(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new BrokenPromise(what)
}

/** The code of an error of this class, if it is one of those that are known; any other error is rethrown. */
export function codeOf<E extends Error & { readonly code: string }>(
  error: unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  known: readonly string[],
): string {
  if (!(error instanceof ErrorClass)) throw error
  promised(known.includes(error.code), `an error code that is not for input: ${error.code} (${error.message})`)
  return error.code
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
