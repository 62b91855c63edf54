// @ts-check
import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { plainEnvironment, startDatabase } from './child-database.mjs'
import { installFromDebian, isExecutable, onPath } from './debian.mjs'
import { ownPort } from './own-port.mjs'

// Where Debian keeps the servers, a folder for each version, and none of them on the path.
const DEBIAN_FOLDER = '/usr/lib/postgresql'

// PostgreSQL refuses to run as root: as whom it runs then, the first that there is.
const USERS = ['postgres', 'nobody']

/** @returns {string | undefined} the folder that has `initdb` and `postgres` */
export function findPostgres() {
  const onOurPath = onPath('initdb')
  const folders = [...(onOurPath ? [dirname(onOurPath)] : []), ...debianFolders()]
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => isExecutable(join(folder, name))))
}

/**
 * Finds PostgreSQL, and where there is none installs Debian's, if we are root, apt is there and nobody forbids it.
 * @returns {Promise<string | undefined>} the folder of its binaries
 */
export async function providePostgres() {
  const found = findPostgres()
  if (found) return found
  await installFromDebian(['postgresql'], 'the tests of several relays')
  return findPostgres()
}

/**
 * A server of our own, on a free loopback port, with a new folder that goes with it.
 * @param {string} binaries the folder of its binaries
 * @param {{ isDurable?: boolean }} [options] `isDurable` false: it does not wait for the disk; for tests that end no machine
 * @returns {Promise<import('./child-database.mjs').ChildDatabase>}
 */
export async function startPostgres(binaries, options) {
  return await runPostgres(binaries, makePostgres(binaries), options)
}

/**
 * The folder of a server that has not run yet.
 * @typedef {{ folder: string, user: { uid: number, gid: number } | undefined }} PostgresFolder
 * @param {string} binaries
 * @returns {PostgresFolder}
 */
export function makePostgres(binaries) {
  const user = otherThanRoot()
  const folder = mkdtempSync(join(user ? '/tmp' : tmpdir(), 'y-sealed-postgres-'))
  if (user) chownSync(folder, user.uid, user.gid)
  const made = spawnSync(
    join(binaries, 'initdb'),
    ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { cwd: folder, encoding: 'utf8', env: plainEnvironment(), ...user },
  )
  if (made.status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`initdb failed:\n${made.stderr}`)
  }
  return { folder, user }
}

/**
 * Runs the server of such a folder, which goes when it is stopped.
 * @param {string} binaries
 * @param {PostgresFolder} made
 * @param {{ isDurable?: boolean, port?: number, readyLine?: string, settings?: Record<string, string> }} [options] `port` default: a free one
 */
export async function runPostgres(binaries, { folder, user }, options = {}) {
  const { isDurable = true, readyLine = 'database system is ready to accept connections' } = options
  const port = options.port ?? (await ownPort())
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: isDurable ? 'on' : 'off',
    // What the tests of several workers open at once.
    max_connections: '200',
    ...options.settings,
  }
  return await startDatabase({
    command: join(binaries, 'postgres'),
    args: [
      '-D',
      folder,
      '-p',
      `${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    readyLine,
    folder,
    user,
  })
}

function debianFolders() {
  try {
    const versions = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a))
    return versions.map((version) => join(DEBIAN_FOLDER, version, 'bin'))
  } catch {
    return []
  }
}

/** Somebody else, where we are root. */
function otherThanRoot() {
  if (process.getuid?.() !== 0) return undefined
  const numberOf = (/** @type {string} */ flag, /** @type {string} */ name) => {
    const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return status === 0 ? Number(stdout) : undefined
  }
  for (const name of USERS) {
    const [uid, gid] = [numberOf('-u', name), numberOf('-g', name)]
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error(`PostgreSQL does not run as root, and there is no user ${USERS.join(' or ')}`)
}
