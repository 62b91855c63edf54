import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { peersFolder } from './places.ts'
import type { ServerKind } from './server-kind.ts'

export interface Peers {
  /** The binary under which everything runs. */
  readonly node: string
  readonly missing: ReadonlyMap<ServerKind, string>
}

// Two hundred megabytes, most of them the Node binary.
const INSTALL_LIMIT_MS = 5 * 60_000

const IN_PEERS_FOLDER: Partial<Record<ServerKind, string>> = {
  hocuspocus: '@hocuspocus/server',
  secsync: 'secsync-server',
}

// Hocuspocus 4 needs it.
const OLDEST_NODE_FOR_PEERS = 22

/** Installs the peers' own lock file where that was not done, unless nobody wants them; what then is absent is named, with the reason. */
export function installPeers({ isWanted }: { isWanted: boolean }): Peers {
  const failure = isWanted ? install() : 'not part of the sample'
  const node = nodeBinary() ?? process.execPath
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const major = Number(/^v(\d+)/.exec(version)?.[1] ?? 0)
  const missing = new Map<ServerKind, string>()
  for (const kind of ['hocuspocus', 'secsync'] as const) {
    const isInstalled = existsSync(join(peersFolder, 'node_modules', IN_PEERS_FOLDER[kind] ?? ''))
    if (failure !== undefined || !isInstalled) missing.set(kind, failure ?? 'could not be installed')
    else if (kind === 'hocuspocus' && major < OLDEST_NODE_FOR_PEERS)
      missing.set(kind, `needs Node 22; this is ${version}`)
  }
  return { node, missing }
}

function install(): string | undefined {
  if (isInstalled()) return undefined
  console.log('Installing the peers (npm ci in test/bench/peers).')
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  // Everything that has an install script brings its binaries along: none needs to run.
  const [command = 'npm', ...args] = [...npm, 'ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error']
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package_|lifecycle_)/.test(name)),
  )
  const { status, stderr } = spawnSync(command, args, {
    cwd: peersFolder,
    env,
    encoding: 'utf8',
    timeout: INSTALL_LIMIT_MS,
  })
  return status === 0 ? undefined : `npm ci failed: ${stderr.trim().split('\n')[0] ?? ''}`
}

/** npm writes this file last. */
function isInstalled(): boolean {
  const modified = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return (
    modified(join(peersFolder, 'node_modules/.package-lock.json')) > modified(join(peersFolder, 'package-lock.json'))
  )
}

/** From the platform's own package, as the package `node` would only fetch it with an install script. */
function nodeBinary(): string | undefined {
  const path = join(peersFolder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')
  return existsSync(path) ? path : undefined
}
