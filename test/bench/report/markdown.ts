import type { RowResult } from '../interleave.ts'
import type { Row } from '../rows/row.ts'
import { cellsOf, RATIO_LEGEND } from './cells.ts'
import { costModel } from './cost-model.ts'
import { floors } from './floors.ts'
import { judgementsOf } from './judgements.ts'
import type { Results } from './results.ts'

/** The page `docs/performance.md`, from the results of one run and nothing else. */
export function markdownOf(results: Results, rows: readonly Row[]): string {
  const measured = rows.flatMap((row) => {
    const result = results.rows.find(({ name }) => name === row.name)
    return result === undefined ? [] : [{ row, result }]
  })
  return [
    '# Performance',
    introduction(results),
    '## What falls short',
    shortfalls(measured),
    ...floors(results, rows),
    '## What was reached',
    reached(measured),
    '## What it costs',
    costModel(results, rows),
    '## All rows',
    ...measured.map(({ row, result }) => section(row, result)),
    '',
  ].join('\n\n')
}

interface Measured {
  readonly row: Row
  readonly result: RowResult
}

function introduction({ circumstances: about, repetitions, isSample }: Results): string {
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`)
  return [
    ...(isSample ? ['**A sample: it shows that the bench works, and nothing else.**', ''] : []),
    'Written by `npm run bench -- --json FILE --markdown docs/performance.md`; every figure on this page comes from that run.',
    '',
    '| | |',
    '|---|---|',
    `| date | ${about.date}, commit ${about.commit} |`,
    `| machine | ${about.processor}, ${about.cores} cores, ${about.memoryGb} GB, ${about.system} |`,
    `| Node | ${about.node}, for all servers and clients |`,
    `| versions | ${versions.join(', ')} |`,
    `| repetitions | ${repetitions} unless a row says otherwise, the servers in turns; median (min–max); ${RATIO_LEGEND} |`,
    '',
    'Each server is a process of its own, with an empty store, on this machine’s loopback; its clients are processes too. So figures of one table can be compared with each ' +
      'other, and with those of another machine only as ratios. y-sealed is the relay as it ships: SQLite on disk, every ack after its commit, padding on.',
  ].join('\n')
}

function shortfalls(measured: readonly Measured[]): string {
  const lines = measured.flatMap(({ row, result }) =>
    judgementsOf(row, result)
      .filter(({ verdict }) => verdict !== undefined && !verdict.isReached)
      .map(({ text, verdict }) => `- **${row.title}**: to reach ${text}; measured ${verdict?.measured}.`),
  )
  const unknown = measured.flatMap(({ row, result }) =>
    judgementsOf(row, result)
      .filter(({ verdict }) => verdict === undefined)
      .map(
        ({ text }) => `- ${row.title}: ${text} could not be judged, as something it compares with was not measured.`,
      ),
  )
  const skipped = measured.flatMap(({ row, result }) =>
    Object.entries(result.skipped).map(([name, reason]) => `- ${row.title}: ${name} was not measured (${reason}).`),
  )
  const failed = measured.flatMap(({ row, result }) =>
    Object.keys(result.failed).map((name) => `- ${row.title}: the measurement of ${name} failed.`),
  )
  return [...(lines.length > 0 ? lines : ['Nothing that was measured.']), ...unknown, ...skipped, ...failed].join('\n')
}

function reached(measured: readonly Measured[]): string {
  const lines = measured.flatMap(({ row, result }) =>
    judgementsOf(row, result)
      .filter(({ verdict }) => verdict?.isReached === true)
      .map(({ text, verdict }) => `- ${row.title}: ${text}; measured ${verdict?.measured}.`),
  )
  return lines.length > 0 ? lines.join('\n') : 'Nothing that was measured.'
}

function section(row: Row, result: RowResult): string {
  const repetitions = Math.max(0, ...Object.values(result.figures).map(({ length }) => length))
  return [`### ${row.title}`, `${row.note} (\`${row.name}\`, ${repetitions} ×)`, table(cellsOf(row, result))].join(
    '\n\n',
  )
}

function table([heading = [], ...lines]: readonly (readonly string[])[]): string {
  const rule = heading.map((_, column) => (column === 0 ? '---' : '---:'))
  return [heading, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')
}
