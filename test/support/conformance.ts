import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './project-root.ts'

/** What of the report the tests look at. */
export interface Conformance {
  readonly exitCode: number | null
  readonly output: string
  readonly passed: string[]
  readonly failed: string[]
  readonly skipped: Record<string, string>
  readonly weaker: string[]
}

interface Printed {
  readonly results: readonly { readonly id: string; readonly verdict: string; readonly reason?: string }[]
  readonly weaker: readonly { readonly member: string }[]
}

export type UserHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Runs the built command `y-sealed conformance --json`, exactly as somebody would. */
export async function proveEndpoint(url: string, users: UserHeaders = {}, ...flags: string[]): Promise<Conformance> {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-conformance-'))
  try {
    const file = join(folder, 'users.json')
    writeFileSync(file, JSON.stringify(users))
    const { exitCode, output } = await runCommand('conformance', url, '--json', '--users', file, ...flags)
    const { results, weaker } = JSON.parse(output) as Printed
    const of = (verdict: string) => results.filter((result) => result.verdict === verdict)
    return {
      exitCode,
      output,
      passed: of('pass').map(({ id }) => id),
      failed: of('fail').map(({ id }) => id),
      skipped: Object.fromEntries(of('skip').map(({ id, reason = '' }) => [id, reason])),
      weaker: weaker.map(({ member }) => member),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The built command with both its streams. */
export function runCommand(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(process.execPath, [join(projectRoot(), 'packages/cli/dist/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, output }))
  })
}
