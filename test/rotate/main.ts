import { basename, join } from 'node:path'
import { readTrace } from '../replay/trace.ts'
import { projectRoot } from '../support/project-root.ts'
import { describe, failures } from './report.ts'
import { rotate } from './rotate.ts'

const generated = ['sequential', 'concurrent'].map((name) => join(projectRoot(), 'test', 'traces', `${name}.json.gz`))

/** Rotates through each file (without any: the generated traces), prints what came out, and resolves with the exit code. */
export async function main(files: readonly string[]): Promise<number> {
  let exitCode = 0
  for (const file of files.length > 0 ? files : generated) {
    const report = await rotate(basename(file, '.json.gz'), readTrace(file))
    console.log(describe(report))
    if (failures(report).length > 0) exitCode = 1
  }
  return exitCode
}
