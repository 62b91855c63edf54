// @ts-check
import { installFromDebian, onPath } from './debian.mjs'

/** WebKitGTK draws on a display; Xvfb is one that nobody looks at. */
const COMMANDS = { driver: 'WebKitWebDriver', display: 'Xvfb' }

/** @typedef {{ driver: string, display: string }} WebKit paths of the two commands */

/** @returns {WebKit | undefined} where this machine has both */
export function findWebKit() {
  const driver = onPath(COMMANDS.driver)
  const display = onPath(COMMANDS.display)
  return driver && display ? { driver, display } : undefined
}

/**
 * Finds WebKitGTK's driver, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<WebKit | undefined>}
 */
export async function provideWebKit() {
  const found = findWebKit()
  if (found) return found
  await installFromDebian(['webkit2gtk-driver', 'xvfb', 'fonts-dejavu-core'], 'the tests in WebKit')
  return findWebKit()
}
