import type { RowResult } from '../interleave.ts'
import type { Row } from '../rows/row.ts'
import { cellsOf, RATIO_LEGEND } from './cells.ts'
import { judgementsOf } from './judgements.ts'
import type { Circumstances } from './machine.ts'

/** One row for the terminal: the table, whoever was left out, and what it was to reach. */
export function describeRow(row: Row, result: RowResult): string {
  const skipped = Object.entries(result.skipped).map(([name, reason]) => `  skipped: ${name} (${reason})`)
  const failed = Object.entries(result.failed).map(([name, error]) => `  FAILED: ${name}\n${error}`)
  const goals = judgementsOf(row, result).map(({ text, verdict }) => {
    if (verdict === undefined) return `  not judged: ${text}`
    return `  ${verdict.isReached ? 'reached' : 'FALLS SHORT'}: ${text}; measured ${verdict.measured}`
  })
  return [`${row.title}  [${row.name}]`, ...aligned(cellsOf(row, result)), ...skipped, ...failed, ...goals].join('\n')
}

/** Where, when and with what. */
export function describeMachine(about: Circumstances): string {
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${about.date}, ${about.commit}; ${about.processor}, ${about.cores} cores, ${about.memoryGb} GB, ${about.system}`,
    `Node ${about.node}; ${versions.join(', ')}`,
  ].join('\n')
}

export function describeCircumstances(about: Circumstances, repetitions: number): string {
  return [describeMachine(about), `${repetitions} repetitions, interleaved; median (min–max); ${RATIO_LEGEND}`].join(
    '\n',
  )
}

function aligned(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  return cells.map((line) =>
    `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  )
}
