// @ts-check
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds the root package.json. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The environment of everything that these scripts start. */
export const childEnvironment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }

/**
 * The path of a command that a dependency installed.
 * @param {string} name
 */
export function installedCommand(name) {
  const onWindows = process.platform === 'win32'
  return join(projectRoot, 'node_modules', '.bin', onWindows ? `${name}.cmd` : name)
}

// The oldest Node.js that every dependency still supports.
const OLDEST_NODE = [20, 19]

/** Ends the process with one sentence where Node.js is too old, before anything fails in a stranger way. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  console.error(`y-sealed needs Node.js ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
