// @ts-check
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { run } from './run.mjs'

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
  if (process.env.Y_SEALED_NO_APT === '1' || process.getuid?.() !== 0 || !onPath('apt-get')) return undefined
  console.log("Installing Chromium from Debian's packages with apt-get for the browser tests.")
  console.log('Y_SEALED_NO_APT=1 prevents this; CHROMIUM=/path/to/browser names another.')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // Another apt may hold the lock on a machine that has just started.
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=300']
  const packages = ['chromium', 'fonts-dejavu-core']
  const installed =
    (await run('apt-get', [...waitForLock, '-q', 'update'], { env })) &&
    (await run('apt-get', [...waitForLock, '-q', '-y', '--no-install-recommends', 'install', ...packages], { env }))
  if (!installed) console.error('apt-get could not install Chromium.')
  const path = findChromium()
  // Some distributions have a package of that name which only points to another shop.
  return path && spawnSync(path, ['--version'], { timeout: 30_000 }).status === 0 ? path : undefined
}

/** @param {string} command */
function onPath(command) {
  if (isAbsolute(command)) return isExecutable(command) ? command : undefined
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
