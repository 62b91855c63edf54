// @ts-check
import { createServer } from 'node:net'

// More neighbours than anybody runs at once; then something else is wrong.
const ATTEMPTS = 100

/**
 * The preferred port, or the next one above it that is free on the host and not in `taken`.
 * @param {number} preferred
 * @param {string} host
 * @param {number[]} [taken] ports promised to others that do not listen yet
 */
export async function freePort(preferred, host, taken = []) {
  for (let port = preferred; port < preferred + ATTEMPTS; port += 1) {
    if (!taken.includes(port) && (await isFree(port, host))) return port
  }
  throw new Error(`no free port from ${preferred} to ${preferred + ATTEMPTS - 1} on ${host}`)
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function isFree(port, host) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
