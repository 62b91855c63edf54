import { existsSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { importedModules, packageOf } from './imports.ts'
import { type Conditions, filesBelow, projectRoot, readManifest } from './workspaces.ts'

/** Where a module of ours is kept, by package name. */
const OUR_FOLDERS = new Map(
  ['packages', 'server'].flatMap((parent) =>
    filesBelow(parent)
      .filter((path) => path.endsWith('package.json'))
      .map((path): [string, string] => {
        const folder = path.slice(0, -'/package.json'.length)
        return [readManifest(join(projectRoot, folder)).name, folder]
      }),
  ),
)

/** What can be loaded from some files: our own sources, and the foreign modules that they name. */
export interface Reach {
  files: Set<string>
  foreign: Map<string, string>
}

/**
 * Walks imports through our sources as a bundler for `platform` would.
 * @param entries source paths from the project root
 */
export function reachableFrom(entries: string[], platform: 'node' | 'browser'): Reach {
  const reach: Reach = { files: new Set(), foreign: new Map() }
  const open = [...entries]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reach.files.has(file)) continue
    reach.files.add(file)
    for (const module of importedModules(readFileSync(join(projectRoot, file), 'utf8'))) {
      const source = sourceOf(module, file, platform)
      if (source === undefined) reach.foreign.set(module, file)
      else open.push(source)
    }
  }
  return reach
}

function sourceOf(module: string, importer: string, platform: 'node' | 'browser'): string | undefined {
  if (module.startsWith('.')) return existing(normalize(join(importer, '..', module)))
  const folder = module.startsWith('#')
    ? [...OUR_FOLDERS.values()].find((candidate) => importer.startsWith(`${candidate}/`))
    : OUR_FOLDERS.get(packageOf(module))
  if (folder === undefined) return undefined
  const manifest = readManifest(join(projectRoot, folder))
  const entry = module.startsWith('#')
    ? manifest.imports?.[module]
    : manifest.exports?.[`.${module.slice(packageOf(module).length)}`]
  const target = choose(entry, platform)
  if (target === undefined) throw new Error(`${importer} imports ${module}, which ${manifest.name} does not export`)
  return existing(normalize(join(folder, target)))
}

/** The branch of an export table that leads to our source on one platform. */
function choose(conditions: Conditions | undefined, platform: string): string | undefined {
  if (conditions === undefined || typeof conditions === 'string') return conditions
  const branch = Object.keys(conditions).find(
    (name) => name === platform || name === '@y-sealed/source' || name === 'default',
  )
  return branch === undefined ? undefined : choose(conditions[branch], platform)
}

function existing(path: string): string | undefined {
  // Style sheets and the like are part of a page, not of its imports.
  if (!/\.(ts|mts|js|mjs)$/.test(path)) return undefined
  if (!existsSync(join(projectRoot, path))) throw new Error(`${path} is imported and does not exist`)
  return path
}
