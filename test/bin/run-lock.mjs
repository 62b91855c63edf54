// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Marks a data folder as in use by this process: two relays on one folder would be two owners of one log.
 * @param {string} path the lock file
 * @returns {() => void} gives the folder free
 */
export function takeRunLock(path) {
  const owner = readOwner(path)
  if (owner !== undefined && owner !== process.pid && isAlive(owner)) {
    throw new Error(
      `process ${owner} already runs on this folder (${path}); stop it, or delete that file if it is gone`,
    )
  }
  writeFileSync(path, `${process.pid}\n`, { mode: 0o600 })
  return () => rmSync(path, { force: true })
}

/** @param {string} path */
function readOwner(path) {
  try {
    const owner = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isNaN(owner) ? undefined : owner
  } catch {
    return undefined
  }
}

/** @param {number} processId */
export function isAlive(processId) {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}
