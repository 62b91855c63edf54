import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

/** What we read of a package.json. */
export interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
  optionalDependencies?: Record<string, string>
  exports?: Record<string, Conditions>
  imports?: Record<string, Conditions>
}
export type Conditions = string | { [condition: string]: Conditions }

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Every file below a folder of the project that we wrote, as paths from the project root. */
export function filesBelow(folder: string): string[] {
  const absolute = join(projectRoot, folder)
  if (!existsSync(absolute)) return []
  return readdirSync(absolute, { withFileTypes: true }).flatMap((item) => {
    // `.blocks`: what the tests of the pages write while others run.
    if (['node_modules', 'dist', '.turbo', 'data', '.blocks'].includes(item.name)) return []
    const path = join(folder, item.name)
    return item.isDirectory() ? filesBelow(path) : [path]
  })
}

/** What is built or run as ours; an example is an app of somebody who has installed the package. */
export const isSource = (path: string): boolean =>
  /\.(ts|mts|mjs|js)$/.test(path) && !path.endsWith('.d.ts') && !/^(packages|server)\/[^/]+\/examples\//.test(path)

/** The workspace folder that a file belongs to, as `packages/envelope`. */
export function workspaceOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'packages' || first === 'server' ? `${first}/${second}` : first
}

/** Every package that a manifest needs at run time, through node_modules, by name. `except` cuts a branch. */
export function runtimeClosure(folder: string, seen = new Set<string>()): Set<string> {
  const { dependencies, peerDependencies, peerDependenciesMeta, optionalDependencies } = readManifest(folder)
  for (const name of Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })) {
    // An optional peer comes with the app that has it, and with nothing else.
    if (seen.has(name) || peerDependenciesMeta?.[name]?.optional === true) continue
    const installed = installedFolder(name, folder)
    if (installed === undefined) continue // for another platform
    seen.add(name)
    runtimeClosure(installed, seen)
  }
  return seen
}

function installedFolder(name: string, from: string): string | undefined {
  for (let folder = from; relative(projectRoot, folder).split('/')[0] !== '..'; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
  }
  return undefined
}
