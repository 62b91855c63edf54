import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findGcore } from '../bin/gcore.mjs'
import { skipBrowserTests } from '../browser/browser.ts'
import { CanarySearch } from '../support/canary.ts'
import { childRunning, dumpCore } from './core-dump.ts'
import { type Proof, prove } from './prove.ts'
import { describe, failures } from './report.ts'

// Other tests that run at the same time take other ports.
const PORT_OFFSET = 13_500

// A browser and three servers start and end.
it.skipIf(skipBrowserTests)(
  'npm run prove, without its core dump: 0 secrets, and the planted text in every place',
  {
    timeout: 120_000,
  },
  async () => {
    const proof = await prove(PORT_OFFSET, undefined)
    console.log(describe(proof))
    expect(failures(proof)).toEqual([])
    expect(proof.skipped).toEqual(['core dump of the relay (no gcore on this machine; it comes with gdb)'])
    expect([...proof.secrets.values()]).toContain('document key')
    expect(proof.places.map(({ name }) => name)).toEqual([
      'database of the running relay, with WAL',
      'database of the stopped relay',
      'logs of relay, key endpoint and demo',
      'browser profile',
      'frames at the relay, upwards',
      'frames at the relay, downwards',
      'HTTP heads at the relay',
    ])
  },
)

const gcore = findGcore()

it.skipIf(gcore === undefined)('a core dump has what a process has in its memory, and is deleted', async () => {
  const canary = 'canary in the memory of a process'
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-core-'))
  const child = spawn('sleep', ['321'], { env: { CANARY: canary }, stdio: 'ignore' })
  try {
    await once(child, 'spawn')
    const processId = childRunning('sleep', process.pid)
    expect(processId).toBe(child.pid)
    const core = dumpCore(gcore as string, processId, folder)
    const search = new CanarySearch([canary, 'a text that it never had'])
    expect(search.inLargeFile(core.path).map((found) => found.canary)).toEqual([canary])
    core.delete()
    expect(existsSync(core.path)).toBe(false)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

it('a secret that is found fails it; so does a place in which even the planted text is not', () => {
  const found = (canary: string) => ({ canary, encoding: 'utf-8', where: 'file' })
  const proof = (...canaries: string[]): Proof => ({
    planted: 'planted',
    secrets: new Map([['secret', 'user name']]),
    places: [{ name: 'somewhere', size: '1 KiB', findings: canaries.map(found) }],
    skipped: [],
  })
  expect(failures(proof('planted'))).toEqual([])
  expect(failures(proof())).toEqual(['the planted text was not found in: somewhere; its 0 proves nothing'])
  expect(failures(proof('planted', 'secret'))).toEqual(['user name found, as utf-8, in file'])
})
