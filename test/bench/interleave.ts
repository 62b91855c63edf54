import { inspect } from 'node:util'
import type { Bench, Figures, Row } from './rows/row.ts'
import { Unavailable } from './rows/row.ts'

/** What became of one row: figures of every repetition by subject, and who was left out, why. */
export interface RowResult {
  readonly name: string
  readonly figures: Readonly<Record<string, readonly Figures[]>>
  readonly skipped: Readonly<Record<string, string>>
  /** Whose measurement broke, and how; what was measured before stays. */
  readonly failed: Readonly<Record<string, string>>
}

/** Measures the subjects of a row in turns, so that whatever else the machine does meets all of them alike. */
export async function interleave(
  row: Row,
  bench: Bench,
  wantedRepetitions: number,
  onProgress: (words: string) => void,
): Promise<RowResult> {
  const figures: Record<string, Figures[]> = {}
  const skipped: Record<string, string> = {}
  const failed: Record<string, string> = {}
  const repetitions = row.repetitions?.(bench) ?? wantedRepetitions
  const subjects = row.subjects(bench)
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const { name, needs, measure } of subjects) {
      const missing = needs === undefined ? undefined : bench.missing.get(needs)
      if (missing !== undefined) skipped[name] = missing
      if (skipped[name] !== undefined || failed[name] !== undefined) continue
      onProgress(`${row.name}: ${name}, ${repetition} of ${repetitions}`)
      try {
        const measured = await measure(repetition)
        figures[name] = [...(figures[name] ?? []), measured]
      } catch (error) {
        // The other rows of an hour are worth more than a stack trace; the run as a whole has failed all the same.
        if (error instanceof Unavailable) skipped[name] = error.message
        else failed[name] = inspect(error)
      }
    }
  }
  return { name: row.name, figures, skipped, failed }
}
