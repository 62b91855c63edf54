import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { projectRoot } from './project-root.ts'

/**
 * The path of a file among the data that lies beside the project while it is developed, or undefined where it is absent:
 * tests that need it are then skipped by name. `Y_SEALED_SHARED` names the folder; relative means relative to the project.
 */
export function sharedData(name: string): string | undefined {
  const path = join(resolve(projectRoot(), process.env.Y_SEALED_SHARED ?? '../shared/data'), name)
  return existsSync(path) ? path : undefined
}
