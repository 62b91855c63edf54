import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { projectRoot } from '../support/project-root.ts'

const root = projectRoot()

function runReplay(...files: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['test/bin/replay.mjs', ...files], { cwd: root })
  return { status, output: `${stdout}${stderr}` }
}

test('npm run replay plays both generated traces through real processes and finds everything in order', () => {
  const { status, output } = runReplay()
  expect(output).toMatch(/^sequential\n {2}converged +yes/m)
  expect(output).toMatch(/^concurrent\n {2}converged +yes: 3 author/m)
  expect(output).toMatch(/sha256 +[0-9a-f]{64}, equal in 2 of 2 texts/)
  expect(output).toMatch(/sha256 +[0-9a-f]{64}, equal in 7 of 7 texts/)
  expect(output).toMatch(/edits +2,000/)
  expect(output).toMatch(/entries +\d+/)
  expect(output).toMatch(/sealed bytes per edit +\d+\.\d/)
  expect(output).toMatch(/kept at `all` +[\d,]+ bytes of history/)
  expect(output).toMatch(/kept at `head` +[\d,]+ bytes, 1\.[01]\d times its Yjs state/)
  expect(output).toMatch(/nonces +none repeated in \d+ envelopes/)
  expect(output).toMatch(/canaries +none of \d+ found/)
  expect(status).toBe(0)
}, 120_000)

test('a replay that ends in another text than the trace says so and fails', () => {
  const directory = mkdtempSync(join(tmpdir(), 'y-sealed-replay-test-'))
  try {
    const trace = JSON.parse(gunzipSync(readFileSync(join(root, 'test/traces/sequential.json.gz'))).toString('utf8'))
    const file = join(directory, 'wrong.json.gz')
    writeFileSync(file, gzipSync(JSON.stringify({ ...trace, endContent: `${trace.endContent}.` })))
    const { status, output } = runReplay(file)
    expect(output).toContain('equal in 0 of 2 texts')
    expect(output).toContain('FAILED: a text is not the end of the trace')
    expect(status).toBe(1)
  } finally {
    rmSync(directory, { recursive: true })
  }
}, 60_000)
