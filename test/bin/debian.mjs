// @ts-check
import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { run } from './run.mjs'

/**
 * Installs packages of Debian's, if we are root, apt is there and nobody forbids it.
 * @param {string[]} packages
 * @param {string} purpose for whoever reads what goes on
 * @returns {Promise<boolean>} whether it did
 */
export async function installFromDebian(packages, purpose) {
  if (process.env.Y_SEALED_NO_APT === '1' || process.getuid?.() !== 0 || !onPath('apt-get')) return false
  console.log(`Installing ${packages.join(', ')} from Debian's packages with apt-get for ${purpose}.`)
  console.log('Y_SEALED_NO_APT=1 prevents this.')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // Another apt may hold the lock on a machine that has just started.
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=300']
  const installed =
    (await run('apt-get', [...waitForLock, '-q', 'update'], { env })) &&
    (await run('apt-get', [...waitForLock, '-q', '-y', '--no-install-recommends', 'install', ...packages], { env }))
  if (!installed) console.error(`apt-get could not install ${packages.join(', ')}.`)
  return installed
}

/**
 * @param {string} command
 * @returns {string | undefined} its path
 */
export function onPath(command) {
  if (isAbsolute(command)) return isExecutable(command) ? command : undefined
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
