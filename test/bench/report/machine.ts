import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { peersFolder, projectRoot } from '../servers/places.ts'

/** Where, when and with what a run was made. */
export interface Circumstances {
  readonly date: string
  readonly commit: string
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
}

const MEASURED: readonly (readonly [name: string, folder: string])[] = [
  ['y-sealed', join(projectRoot, 'packages/provider')],
  ['yjs', join(projectRoot, 'node_modules/yjs')],
  ['ws', join(projectRoot, 'node_modules/ws')],
  ['@y/websocket-server', join(projectRoot, 'node_modules/@y/websocket-server')],
  ['y-websocket', join(projectRoot, 'node_modules/y-websocket')],
  ['@hocuspocus/server', join(peersFolder, 'node_modules/@hocuspocus/server')],
  ['@hocuspocus/provider', join(peersFolder, 'node_modules/@hocuspocus/provider')],
  ['secsync-server', join(peersFolder, 'node_modules/secsync-server')],
]

export function circumstances(node: string): Circumstances {
  const [first] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: wordsOf('git', ['-C', projectRoot, 'describe', '--always', '--dirty']),
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: wordsOf(node, ['--version']),
    versions: Object.fromEntries(
      MEASURED.map(([name, folder]) => [name, versionIn(folder)]).filter(([, version]) => version !== ''),
    ),
  }
}

function versionIn(folder: string): string {
  try {
    // Every package.json has one.
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
  } catch {
    return ''
  }
}

function wordsOf(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() || 'unknown'
}
