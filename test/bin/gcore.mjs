// @ts-check
import { installFromDebian, onPath } from './debian.mjs'

/**
 * Finds gdb's gcore, and where there is none installs Debian's gdb, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} its path
 */
export async function provideGcore() {
  const found = findGcore()
  if (found || process.platform !== 'linux') return found
  await installFromDebian(['gdb'], "the relay's core dump")
  return findGcore()
}

/** @returns {string | undefined} where this machine has it, on Linux: we find the relay by /proc */
export function findGcore() {
  return process.platform === 'linux' ? onPath('gcore') : undefined
}
