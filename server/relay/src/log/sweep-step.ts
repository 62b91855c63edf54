// One step of a sweep is one transaction, for which others wait: whoever writes into the document, and in SQLite everybody, since it
// is done on the thread that serves them. So these are a few milliseconds of pages to free.
export const STEP_RUNS = 256
export const STEP_CHUNKS = 16
export const STEP_SALTS = 4_096
const STEP_BODY_BYTES = 4 * 1024 * 1024

export interface RunSize {
  first: number
  count: number
  bodyBytes: number
}

/** The runs that go in one step: those that begin at these sequences, and all between them. */
export interface PruneStep {
  firstRun: number
  lastRun: number
  /** Whether none is left then that ends where it should or before. */
  isLast: boolean
}

/**
 * What a step deletes of the entries through `through`, if these are the oldest runs that begin there or before, STEP_RUNS of them at the most.
 * A run is never cut, so one that ends behind `through` stays. Undefined: there is nothing to delete.
 */
export function pruneStep(oldest: readonly RunSize[], through: number): PruneStep | undefined {
  const whole = oldest.filter(({ first, count }) => first + count - 1 <= through)
  let bytes = 0
  // The first goes whatever its size: a step that deletes nothing would be tried for ever.
  const step = whole.filter(({ bodyBytes }, i) => {
    bytes += bodyBytes
    return i === 0 || bytes <= STEP_BODY_BYTES
  })
  const [first, last] = [step[0], step.at(-1)]
  if (!first || !last) return undefined
  const isLast = step.length === whole.length && oldest.length < STEP_RUNS
  return { firstRun: first.first, lastRun: last.first, isLast }
}
