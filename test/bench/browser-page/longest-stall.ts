export interface Stalled<Result> {
  readonly result: Result
  readonly elapsedMs: number
  /** The longest time for which the page could not have answered its user. */
  readonly longestStallMs: number
}

// A message channel would be quicker, but its messages pass through another thread, which a busy machine keeps waiting.
const BEAT_MS = 0

/** Runs something and watches how long it keeps the main thread at a stretch, to the 4 ms to which browsers round timers up. */
export async function withStallWatch<Result>(act: () => Promise<Result> | Result): Promise<Stalled<Result>> {
  let lastMs = performance.now()
  let longestStallMs = 0
  const look = (): void => {
    const nowMs = performance.now()
    longestStallMs = Math.max(longestStallMs, nowMs - lastMs)
    lastMs = nowMs
  }
  const beat = setInterval(look, BEAT_MS)
  const startMs = performance.now()
  const result = await act()
  const elapsedMs = performance.now() - startMs
  // What `act` did in its last turn counts too.
  look()
  clearInterval(beat)
  return { result, elapsedMs, longestStallMs }
}
