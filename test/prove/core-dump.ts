import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Longer than a process of a gigabyte takes to be written down on a slow disk. */
const LIMIT_MS = 120_000

export interface CoreDump {
  readonly path: string
  delete(): void
}

/** The memory of a process, in a file of this folder, while it runs on. Throws what gcore said where it cannot. */
export function dumpCore(gcore: string, processId: number, folder: string): CoreDump {
  const prefix = join(folder, 'core')
  const { status, stderr, stdout } = spawnSync(gcore, ['-o', prefix, String(processId)], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
  })
  if (status !== 0) throw new Error(`gcore: ${lastLine(stderr) || lastLine(stdout) || 'no answer'}`)
  const path = `${prefix}.${processId}`
  return { path, delete: () => rmSync(path, { force: true }) }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

/** The child of this process that runs the script. Linux only, as gcore is for us. */
export function childRunning(script: string, parentId: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === parentId)
  const found = children.find((name) => readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(script))
  if (found === undefined) throw new Error(`no child of ${parentId} runs ${script}`)
  return Number(found)
}

function parentOf(processId: string): number | undefined {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8')
    return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1])
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}
