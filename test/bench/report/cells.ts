import type { RowResult } from '../interleave.ts'
import type { Metric, Row } from '../rows/row.ts'
import { summaryOf } from './results.ts'
import type { Summary } from './statistics.ts'

const OURS = 'y-sealed'

/** A row's table as text: the first line are the headings. */
export function cellsOf(row: Row, result: RowResult): string[][] {
  const metrics = row.metrics.filter(({ key }) => hasAny(result, key))
  const heading = ['', ...metrics.map(({ label }) => label)]
  const lines = Object.keys(result.figures).map((subject) => [
    subject,
    ...metrics.map((metric) => {
      const values = summaryOf(result, subject, metric)
      const ours = subject === OURS || metric.isCompared !== true ? undefined : summaryOf(result, OURS, metric)
      return `${cell(metric, values)}${ratio(values, ours)}`
    }),
  ])
  return [heading, ...lines]
}

/** What stands behind a peer's figure: how many times ours it is. */
export const RATIO_LEGEND = '[n×]: n times the figure of y-sealed'

function ratio(theirs: Summary | undefined, ours: Summary | undefined): string {
  if (theirs === undefined || ours === undefined || !(ours.median > 0) || theirs.median < 0) return ''
  return ` [${format(theirs.median / ours.median, 2)}×]`
}

/** Median, and the smallest and largest where they say more. */
function cell({ digits }: Metric, values: Summary | undefined): string {
  if (values === undefined) return '–'
  const [middle = '', min = '', max = ''] = [values.median, values.min, values.max].map((value) =>
    format(value, digits),
  )
  return min === max ? middle : `${middle} (${min}–${max})`
}

export function format(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A difference, with its sign. */
export function formatSigned(difference: number, digits: number): string {
  return `${difference < 0 ? '−' : '+'}${format(Math.abs(difference), digits)}`
}

function hasAny({ figures }: RowResult, key: string): boolean {
  return Object.values(figures).some((repetitions) => repetitions.some((one) => one[key] !== undefined))
}
