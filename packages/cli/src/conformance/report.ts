import type { ConformanceReport, RuleResult } from './run-conformance.ts'

const WORDS = { pass: 'pass', fail: 'FAIL', skip: 'skip' } as const

/** The longest id has so many letters. */
const ID_COLUMNS = 12
const INDENT = ' '.repeat(ID_COLUMNS + 7)

/** For a terminal: one line for each rule, more where there is more to say. */
export function printReport(report: ConformanceReport): string {
  const { url, dialect, results, passed, failed, skipped, weaker, noKey } = report
  const lines = [`${url}, dialect ${dialect}`, '', ...results.flatMap(linesOf), '']
  if (noKey !== undefined) {
    lines.push(
      `No question got a key; the first got ${noKey}. Name with --users who may ask, and let that writer have every`,
      'document that begins with --document-prefix (conformance- by itself); or name with --documents some that may be had.',
      '',
    )
  }
  if (weaker.length > 0) {
    lines.push('Weaker mode (docs/tinymce-endpoints.md):')
    for (const { member, means } of weaker) lines.push(`  without ${member}: ${means}`)
    lines.push('')
  }
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return lines.join('\n')
}

function linesOf(result: RuleResult): string[] {
  const first = `${WORDS[result.verdict]}  ${result.id.padEnd(ID_COLUMNS)} ${result.title}`
  if (result.verdict === 'skip') return [first, `${INDENT}${result.reason}`]
  if (result.verdict === 'pass') return result.note === undefined ? [first] : [first, `${INDENT}${result.note}`]
  return [
    first,
    `${INDENT}expected  ${result.expected}`,
    `${INDENT}got       ${result.got}`,
    `${INDENT}source    ${result.source}`,
  ]
}
