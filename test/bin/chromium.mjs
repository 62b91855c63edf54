// @ts-check
import { spawnSync } from 'node:child_process'
import { installFromDebian, isExecutable, onPath } from './debian.mjs'

// Names and places of browsers that speak Chromium's debugging protocol, the plainest first.
const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge']
const PLACES = [
  '/usr/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
]

/** With which it is started for the tests and the bench, whose pages are our own. */
export const CHROMIUM_ARGUMENTS = [
  // Containers have no user namespaces for the sandbox.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * The browser for the browser tests: $CHROMIUM, else the first that this machine has.
 * @returns {string | undefined} its path
 */
export function findChromium() {
  const chosen = process.env.CHROMIUM
  if (chosen) return isExecutable(chosen) ? chosen : onPath(chosen)
  for (const command of COMMANDS) {
    const path = onPath(command)
    if (path) return path
  }
  return PLACES.find(isExecutable)
}

/**
 * Finds a browser, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} its path
 */
export async function provideChromium() {
  const found = findChromium()
  if (found || process.env.CHROMIUM) return found
  // CHROMIUM=/path/to/browser names another.
  if (!(await installFromDebian(['chromium', 'fonts-dejavu-core'], 'the browser tests'))) return undefined
  const path = findChromium()
  // Some distributions have a package of that name which only points to another shop.
  return path && spawnSync(path, ['--version'], { timeout: 30_000 }).status === 0 ? path : undefined
}
