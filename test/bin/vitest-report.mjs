// @ts-check
import { readFileSync } from 'node:fs'

/**
 * @typedef {{ passed: number, failed: number, skipped: string[] }} Count
 * @typedef {{ fullName: string, status: string }} TestResult
 * @typedef {{ name: string, status: string, assertionResults: TestResult[] }} FileResult
 */

/**
 * Counts what vitest's JSON report holds. A file that failed before its first test counts as one failure.
 * @param {string} path
 * @returns {Count | undefined} nothing where the report is missing or not JSON: the runner itself broke
 */
export function countReport(path) {
  /** @type {{ testResults: FileResult[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + brokenFiles.length,
    skipped: tests.filter((test) => test.status !== 'passed' && test.status !== 'failed').map((test) => test.fullName),
  }
}
