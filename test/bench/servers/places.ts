import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The project's root, whether this file runs as source or compiled. */
export const projectRoot = findUpwards(import.meta.dirname, 'turbo.json')

/** Where the compiled bench lies: child processes run from there. */
export const compiledFolder = join(projectRoot, 'test/bench/dist/bench')

export const peersFolder = join(projectRoot, 'test/bench/peers')

function findUpwards(from: string, name: string): string {
  if (existsSync(join(from, name))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error(`no ${name} above the bench`)
  return findUpwards(parent, name)
}
