// @ts-check
import { installFromDebian, isExecutable, onPath } from './debian.mjs'

// Not on everybody's path.
const PLACE = '/usr/sbin/nginx'

/** @returns {string | undefined} the path of the server */
export function findNginx() {
  return onPath('nginx') ?? (isExecutable(PLACE) ? PLACE : undefined)
}

/**
 * Finds nginx, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} the path of the server
 */
export async function provideNginx() {
  const found = findNginx()
  if (found) return found
  await installFromDebian(['nginx-light'], "the test of the relay's proxy")
  return findNginx()
}
