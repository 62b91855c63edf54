import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipClusterTests } from '../support/cluster.ts'
import { projectRoot } from '../support/project-root.ts'
import { compareLog, type Typist } from './load/compare-log.ts'
import type { LoadFigures } from './load/report.ts'

// Six seconds of load; compiling and a busy machine take the rest.
const PATIENCE_MS = 150_000

describe('a log beside what its members were told', () => {
  const logOf = (...numbers: number[]) => numbers.map((number) => ({ member: 7, number, typedAtMs: 0 }))
  const typist = (acked: number, inDoubt: number[] = []): Typist => ({
    id: 7,
    acked,
    timesInDoubt: (number) => inDoubt.filter((one) => one === number).length,
  })

  it.each([
    ['all of it, once', logOf(1, 2, 3), typist(3), { lost: 0, doubled: 0, repeated: 0 }],
    ['an acked word is missing', logOf(1, 3), typist(3), { lost: 1, doubled: 0, repeated: 0 }],
    ['a word is there twice that was sent once', logOf(1, 2, 2), typist(2), { lost: 0, doubled: 1, repeated: 0 }],
    ['a word is there twice that was sent twice', logOf(1, 2, 2), typist(2, [2]), { lost: 0, doubled: 0, repeated: 1 }],
    ['one more than it was sent', logOf(2, 1, 2, 2), typist(2, [2]), { lost: 0, doubled: 1, repeated: 1 }],
    ['stored, and not acked when all ended', logOf(1, 2), typist(1, [2]), { lost: 0, doubled: 0, repeated: 0 }],
    [
      "another's word makes up for none",
      [{ member: 8, number: 1, typedAtMs: 0 }],
      typist(1),
      { lost: 1, doubled: 0, repeated: 0 },
    ],
  ])('%s', (_what, log, member, report) => {
    expect(compareLog(log, [member])).toEqual(report)
  })
})

it.skipIf(skipClusterTests)(
  'npm run load -- --sample: three relays, one of which and the bus are killed; every word is acked, in the log, and there as often as it was sent',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'y-sealed-load-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const json = join(folder, 'figures.json')
    const args = ['test/bin/load.mjs', '--nodes', '3', '--sample', '--json', json]
    const child = spawn(process.execPath, args, { cwd: projectRoot(), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const note = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    for (const stream of [child.stdout, child.stderr]) stream.on('data', note)
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code, output).toBe(0)
    // Written by that process.
    const figures = JSON.parse(readFileSync(json, 'utf8')) as LoadFigures
    expect(figures).toMatchObject({ connected: 20, lost: 0, doubled: 0 })
    expect(figures.typed).toBeGreaterThan(0)
    expect(figures.acked).toBe(figures.typed)
    // A third of the members, at the node that was killed.
    expect(figures.cutOff).toBeGreaterThan(0)
    expect(output).toMatch(/acked edits lost {6}0 of/)
  },
  PATIENCE_MS,
)
