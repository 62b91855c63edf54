// @ts-check
import { installFromDebian, onPath } from './debian.mjs'

/** By command: the languages that our examples of a key endpoint are written in, and the package of each. */
const INTERPRETERS = { python3: 'python3', php: 'php-cli' }

/**
 * Installs what is missing, where that is possible.
 * @returns {Promise<string[]>} what is missing still
 */
export async function provideInterpreters() {
  const missing = Object.entries(INTERPRETERS).filter(([command]) => !onPath(command))
  if (missing.length === 0) return []
  await installFromDebian(
    missing.map(([, name]) => name),
    'the key endpoints in other languages',
  )
  return missing.map(([command]) => command).filter((command) => !onPath(command))
}
