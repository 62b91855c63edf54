/** Time, so that tests need not wait for it. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  // Only what setTimeout above returned comes back here.
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}
