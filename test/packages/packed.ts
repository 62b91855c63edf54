import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, readManifest } from '../boundaries/workspaces.ts'

/** The workspaces that are published, as folders from the project root. */
export const PUBLISHED = ['packages', 'server'].flatMap((parent) =>
  readdirSync(join(projectRoot, parent)).map((name) => `${parent}/${name}`),
)

/** One package as `npm publish` would send it. */
export interface Packed {
  name: string
  tarball: string
  /** Unpacked, in a `node_modules` that holds all of ours and nothing else. */
  folder: string
}

/**
 * Packs everything that is published and unpacks it below `root/node_modules`, as an installation would.
 * @param root a folder of the project, so that foreign dependencies are found in the project's own `node_modules`
 */
export function packAll(root: string): Packed[] {
  return [...packTarballs(root)].map(([name, tarball]) => {
    const folder = join(root, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
    return { name, tarball, folder }
  })
}

/** Packs everything that is published into a new folder. @returns each package's file, by its name */
export function packTarballs(parent: string): Map<string, string> {
  const destination = mkdtempSync(join(parent, 'tarballs-'))
  const workspaces = PUBLISHED.flatMap((workspace) => ['-w', workspace])
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', destination, ...workspaces], {
    cwd: projectRoot,
    stdio: 'ignore',
  })
  return new Map(
    PUBLISHED.map((workspace) => {
      const { name, version } = readManifest(join(projectRoot, workspace))
      return [name, join(destination, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)]
    }),
  )
}

/** What may be imported of a package: `y-sealed`, `y-sealed/react`. */
export function entriesOf(workspace: string): string[] {
  const { name, exports } = readManifest(join(projectRoot, workspace))
  return Object.keys(exports ?? {}).map((path) => name + path.slice(1))
}
