import type { RowResult } from '../interleave.ts'
import type { Row, Verdict } from '../rows/row.ts'
import { mediansOf } from './results.ts'

export interface Judgement {
  /** What was to be reached. */
  readonly text: string
  /** Undefined where something that it compares with was not measured. */
  readonly verdict: Verdict | undefined
}

export function judgementsOf(row: Row, result: RowResult): Judgement[] {
  const medians = mediansOf(row, result)
  return row.goals.map(({ text, judge }) => ({ text, verdict: judge(medians) }))
}
