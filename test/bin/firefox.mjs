// @ts-check
import { installFromDebian, isExecutable, onPath } from './debian.mjs'

const COMMANDS = ['firefox-esr', 'firefox']
const PLACES = ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe']

/**
 * $FIREFOX, else the first that this machine has.
 * @returns {string | undefined} its path
 */
export function findFirefox() {
  const chosen = process.env.FIREFOX
  if (chosen) return isExecutable(chosen) ? chosen : onPath(chosen)
  return COMMANDS.map(onPath).find(Boolean) ?? PLACES.find(isExecutable)
}

/**
 * Finds Firefox, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} its path
 */
export async function provideFirefox() {
  const found = findFirefox()
  if (found || process.env.FIREFOX) return found
  await installFromDebian(['firefox-esr', 'fonts-dejavu-core'], 'the tests in Firefox')
  return findFirefox()
}
