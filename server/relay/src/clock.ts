/** Time as the relay sees it. Tests pass their own, so that a minute costs nothing. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  // The only timers that come back here are those that setTimeout above has made.
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
