import type { RowResult } from '../interleave.ts'
import type { Figures, Medians, Metric, Row } from '../rows/row.ts'
import type { Circumstances } from './machine.ts'
import { type Summary, summary } from './statistics.ts'

/** Everything of one run, as `--json` writes it. */
export interface Results {
  readonly circumstances: Circumstances
  readonly repetitions: number
  readonly isSample: boolean
  readonly rows: readonly RowResult[]
}

/** A figure over all repetitions; undefined where a subject does not have it. */
export function summaryOf(result: RowResult, subject: string, { key, isTotal }: Metric): Summary | undefined {
  const values = (result.figures[subject] ?? []).map((figures) => figures[key]).filter((value) => value !== undefined)
  if (values.length === 0) return undefined
  if (isTotal !== true) return summary(values)
  const total = values.reduce((sum, value) => sum + value, 0)
  return { median: total, min: total, max: total }
}

export function mediansOf(row: Row, result: RowResult): Medians {
  const medians: Record<string, Figures> = {}
  for (const subject of Object.keys(result.figures)) {
    const measured: Record<string, number> = {}
    for (const metric of row.metrics) {
      const value = summaryOf(result, subject, metric)?.median
      if (value !== undefined) measured[metric.key] = value
    }
    medians[subject] = measured
  }
  return medians
}

/** The median of one figure, by row, subject and metric; undefined where it was not measured. */
export type FigureOf = (row: string, subject: string, key: string) => number | undefined

export function figureOf(results: Results, rows: readonly Row[]): FigureOf {
  return (rowName, subject, key) => {
    const row = rows.find(({ name }) => name === rowName)
    const result = results.rows.find(({ name }) => name === rowName)
    return row && result && mediansOf(row, result)[subject]?.[key]
  }
}
