import type { Row } from './conformance-table.ts'
import type { DemoReport } from './key-demo.ts'

/** What each party tried and what came of it, and how much was lost. */
export function describeDemo({ findings, typed, lost, outageSeconds, typedInOutage, questions }: DemoReport): string {
  const width = Math.max(...findings.map(({ who }) => who.length))
  return [
    ...findings.map(
      ({ who, what, came, asItShould }) => `${asItShould ? 'ok ' : 'NOT'} ${who.padEnd(width)}  ${what}: ${came}`,
    ),
    '',
    `${outageSeconds} s without an endpoint, ${typedInOutage} words typed meanwhile`,
    `questions for keys at the two instances: ${questions.join(' and ')}`,
    `${typed} words typed, ${lost} edits lost`,
  ].join('\n')
}

export function describeTable(rows: readonly Row[]): string {
  const lines = rows.map(({ endpoint, report }) => {
    if (!report) return `${endpoint.padEnd(22)} not on this machine`
    const { passed, failed, skipped, weaker } = report
    const counts = `${passed.length} passed, ${failed.length} failed, ${Object.keys(skipped).length} skipped`
    const without = weaker.length === 0 ? '' : `; weaker: without ${weaker.join(', ')}`
    return `${endpoint.padEnd(22)} ${counts}${failed.length === 0 ? '' : `: ${failed.join(', ')}`}${without}`
  })
  return lines.join('\n')
}

/** What did not hold, each by name; the demo succeeds if nothing is here. */
export function failures(report: DemoReport, rows: readonly Row[]): string[] {
  return [
    ...report.findings.filter(({ asItShould }) => !asItShould).map(({ who, what, came }) => `${who}: ${what}: ${came}`),
    ...(report.lost === 0 ? [] : [`${report.lost} edits lost`]),
    ...(report.typedInOutage > 0 ? [] : ['nothing was typed during the outage']),
    ...(report.questions.every((count) => count > 0) ? [] : ['an instance was asked nothing']),
    ...rows.flatMap(({ endpoint, report: proof }) => (proof?.failed ?? []).map((id) => `${endpoint}: ${id}`)),
  ]
}
