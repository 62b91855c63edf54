import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../../support/project-root.ts'

/** Modules of the provider that it does not export: as sources where this is one, else as they were built. */
export async function fromProvider<Module>(name: string): Promise<Module> {
  const [folder, extension] = import.meta.url.endsWith('.ts') ? ['src', 'ts'] : ['dist', 'js']
  const file = join(projectRoot(), 'packages', 'provider', folder, `${name}.${extension}`)
  // What is in it is said by who asks, with the type of the source.
  return (await import(pathToFileURL(file).href)) as Module
}
