// @ts-check
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDatabase } from './child-database.mjs'
import { installFromDebian, onPath } from './debian.mjs'
import { ownPort } from './own-port.mjs'

/** @returns {string | undefined} the path of the server */
export function findRedis() {
  return onPath('redis-server')
}

/**
 * Finds Redis, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} the path of the server
 */
export async function provideRedis() {
  const found = findRedis()
  if (found) return found
  await installFromDebian(['redis-server'], 'the tests of several relays')
  return findRedis()
}

/**
 * A server of our own on loopback, which keeps nothing.
 * @param {string} command its path
 * @param {number} [port] default: a free one
 * @returns {Promise<import('./child-database.mjs').ChildDatabase>}
 */
export async function startRedis(command, port) {
  const own = port ?? (await ownPort())
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-redis-'))
  return await startDatabase({
    command,
    args: ['--port', `${own}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    url: `redis://127.0.0.1:${own}`,
    readyLine: 'Ready to accept connections',
    folder,
  })
}
