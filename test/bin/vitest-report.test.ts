import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { countReport } from './vitest-report.mjs'

describe('the count at the end of npm test', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'y-sealed-report-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const report = (content: string) => {
    const path = join(folder, 'report.json')
    writeFileSync(path, content)
    return path
  }
  const file = (status: string, ...tests: string[]) => ({
    name: 'a.test.ts',
    status,
    assertionResults: tests.map((result, index) => ({ fullName: `story ${index}`, status: result })),
  })

  it('counts tests, and names those that were skipped', () => {
    const testResults = [file('passed', 'passed', 'pending', 'todo'), file('failed', 'passed', 'failed')]
    const count = countReport(report(JSON.stringify({ testResults })))
    expect(count).toEqual({ passed: 2, failed: 1, skipped: ['story 1', 'story 2'] })
  })

  it('a file that broke before its first test is a failure', () => {
    const count = countReport(report(JSON.stringify({ testResults: [file('failed'), file('passed', 'passed')] })))
    expect(count).toEqual({ passed: 1, failed: 1, skipped: [] })
  })

  it('no report, or half a report, is nothing to count', () => {
    expect(countReport(join(folder, 'absent.json'))).toBeUndefined()
    expect(countReport(report('{"testResults": ['))).toBeUndefined()
  })
})
