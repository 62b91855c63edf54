import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, readManifest, runtimeClosure } from '../boundaries/workspaces.ts'
import { PUBLISHED } from './packed.ts'

/** A licence that says more than "keep this notice", and what follows from it here. */
const NOTES: Readonly<Record<string, string>> = {
  'MPL-2.0':
    'only on the demo’s page for BlockNote; changed files of it would have to be published, and none are changed',
}

/** The rows of THIRD-PARTY.md: everything that is installed with a package of ours, or bundled into the demo. */
export function thirdPartyRows(): string[] {
  const users = new Map<string, string[]>()
  for (const workspace of [...PUBLISHED, 'demo-editor']) {
    for (const name of runtimeClosure(join(projectRoot, workspace))) {
      if (!isOurs(name)) users.set(name, [...(users.get(name) ?? []), shortName(workspace)])
    }
  }
  return [...users].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, workspaces]) => row(name, workspaces))
}

function row(name: string, workspaces: string[]): string {
  const licence = licenceOf(name)
  const note = NOTES[licence]
  return `| ${name} | ${licence} | ${workspaces.join(', ')}${note === undefined ? '' : `: ${note}`} |`
}

function licenceOf(name: string): string {
  const file = join(projectRoot, 'node_modules', name, 'package.json')
  if (!existsSync(file)) return 'unknown'
  const { license } = JSON.parse(readFileSync(file, 'utf8')) as { license?: unknown }
  return typeof license === 'string' ? license.replaceAll('|', '/') : 'unknown'
}

const shortName = (workspace: string): string =>
  readManifest(join(projectRoot, workspace)).name.replace('@y-sealed/', '')
const isOurs = (name: string): boolean => name === 'y-sealed' || name.startsWith('@y-sealed/')
