import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { readTrace } from '../replay/trace.ts'
import { projectRoot } from '../support/project-root.ts'
import { failures, type Report } from './report.ts'
import { rotate } from './rotate.ts'

const root = projectRoot()
const trace = join(root, 'test/traces/sequential.json.gz')

function runDemo(...files: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['test/bin/rotate-demo.mjs', ...files], { cwd: root })
  return { status, output: `${stdout}${stderr}` }
}

test('npm run rotate-demo rotates through both generated traces, loses nothing and finds every epoch as it was', () => {
  const { status, output } = runDemo()
  expect(output).toMatch(/^sequential\n {2}epoch 0: entries 1 to [\d,]+, [\d,]+ characters, sha256 [0-9a-f]{16}…: ok$/m)
  expect(output).toMatch(/^concurrent\n {2}epoch 0: .*: ok$/m)
  expect(output.match(/edits lost +0$/gm)).toHaveLength(2)
  expect(output.match(/rotations +3, one every 500 edits/g)).toHaveLength(2)
  expect(output.match(/longest pause +\d+ ms/g)).toHaveLength(2)
  expect(output.match(/longest wait for ack +\d+ ms/g)).toHaveLength(2)
  expect(output.match(/epochs reopened +4 of 4 are what they were/g)).toHaveLength(2)
  expect(output).toMatch(/states of the trace +3 of 3/)
  expect(output).not.toContain('FAILED')
  expect(status).toBe(0)
}, 120_000)

test('a demo that ends in another text than the trace says so and fails', () => {
  const directory = mkdtempSync(join(tmpdir(), 'y-sealed-rotate-test-'))
  try {
    const file = join(directory, 'wrong.json.gz')
    const wrong = JSON.parse(gunzipSync(readFileSync(trace)).toString('utf8'))
    writeFileSync(file, gzipSync(JSON.stringify({ ...wrong, endContent: `${wrong.endContent}.` })))
    const { status, output } = runDemo(file)
    expect(output).toContain('FAILED: a text is not the end of the trace')
    expect(status).toBe(1)
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)

describe('the demo fails', () => {
  let report: Report
  beforeAll(async () => {
    report = await rotate('sequential', readTrace(trace))
    expect(failures(report)).toEqual([])
  }, 60_000)

  const epochs: [string, (report: Report) => Report['reopened'], string][] = [
    [
      'an epoch has the text of another',
      ({ reopened }) => reopened.map((epoch, i) => (i === 0 ? { ...epoch, found: reopened[1]!.found } : epoch)),
      'epochs that are not what they were: 0',
    ],
    [
      'an epoch does not open',
      ({ reopened }) => reopened.map((epoch, i) => (i === 1 ? { ...epoch, found: 'SealedError: withheld' } : epoch)),
      'epochs that are not what they were: 1',
    ],
    [
      'nobody saw how an epoch ended',
      ({ reopened }) => reopened.map((epoch, i) => (i === 1 ? { ...epoch, recorded: undefined } : epoch)),
      'epochs that are not what they were: 1',
    ],
    ['an epoch is not listed', ({ reopened }) => reopened.slice(1), '3 of 4 epochs are listed'],
  ]
  test.each(epochs)('if %s', (_, change, failure) => {
    expect(failures({ ...report, reopened: change(report) })).toEqual([failure])
  })

  test.each<[string, Partial<Report>, string]>([
    ['an edit is lost', { editsLost: 1 }, '1 edits lost'],
    [
      'an epoch ended in a text that nobody typed',
      { unlikeTrace: [2] },
      'epochs that ended in a text which the trace never was: 2',
    ],
    ['a rotation was left out', { rotations: 2 }, 'another number of rotations than were due'],
    ['a nonce was used twice', { repeatedNonces: ['one'] }, 'nonces repeated: one'],
  ])('if %s', (_, change, failure) => {
    expect(failures({ ...report, ...change })).toContain(failure)
  })
})
