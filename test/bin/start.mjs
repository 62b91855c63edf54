// @ts-check
// `npm start`: installs what is missing, builds, and runs relay, key endpoint and demo editor until Ctrl-C.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startServer } from './child-server.mjs'
import { freePort } from './free-port.mjs'
import { installDependencies } from './install.mjs'
import { ensurePrivateFolder, ensureSecretFile } from './private-files.mjs'
import { installedCommand, projectRoot, requireNode } from './project.mjs'
import { run } from './run.mjs'
import { takeRunLock } from './run-lock.mjs'

const HOST = '127.0.0.1'
const RELAY_PORT = 8787
const KEYS_PORT = 8788
const DEMO_PORT = 8080
// Soon enough for a next start to find its ports free.
const PARENT_CHECK_EVERY_MS = 500

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    'port-offset': { type: 'string', default: '0' },
    'relay-url': { type: 'string' },
    'skip-build': { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

if (flags.help) {
  console.log(`npm start [-- --data FOLDER] [--port-offset N] [--relay-url URL] [--skip-build]

Installs what is missing, builds, then runs the relay, the key endpoint and the demo editor on ${HOST}.
  --data FOLDER     where documents, keys, secrets and logs are kept (default: ./data)
  --port-offset N   look for free ports from ${RELAY_PORT} + N, ${KEYS_PORT} + N and ${DEMO_PORT} + N (default: 0)
  --relay-url URL   where pages look for the relay, if something stands before it (default: the relay itself)
  --skip-build      use what was built before`)
} else {
  await start().catch((error) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  })
}

async function start() {
  requireNode()
  if (!flags['skip-build']) {
    await installDependencies()
    console.log('Building.')
    const built = await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only'])
    if (!built) process.exit(1)
  }

  const data = ensurePrivateFolder(resolve(flags.data ?? join(projectRoot, 'data')))
  const releaseLock = takeRunLock(join(data, 'running.pid'))
  const { servers, url } = await startServers(data)

  let stopping = false
  const stopAll = async (/** @type {number} */ exitCode) => {
    if (stopping) return
    stopping = true
    await Promise.all(servers.map((server) => server.stop()))
    releaseLock()
    process.exit(exitCode)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stopAll(0))
  whenNpmIsGone(() => void stopAll(0))
  for (const server of servers) {
    void server.exited.then((how) => {
      if (stopping) return
      console.error(`The ${server.name} ended (${how}):\n${server.lastLogLines()}`)
      void stopAll(1)
    })
  }

  try {
    await Promise.all(servers.map((server) => server.ready()))
  } catch (error) {
    if (!stopping) console.error(error instanceof Error ? error.message : error)
    await stopAll(1)
    return
  }
  if (!stopping) {
    console.log(`\n  ${url}\n\nCtrl-C stops everything. Documents, keys, secrets and logs stay in ${data}`)
  }
}

/**
 * npm that is killed cannot tell us; nobody would be left to stop the servers.
 * @param {() => void} stop
 */
function whenNpmIsGone(stop) {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  setInterval(() => process.ppid !== npm && stop(), PARENT_CHECK_EVERY_MS).unref()
}

/**
 * Three processes, as three operators would run them: the relay gets no secret of the key endpoint, nor the other way round.
 * Only the demo's sign-in, which stands for the customer's own app, holds both token secrets, and the relay's admin token.
 * @param {string} data
 */
async function startServers(data) {
  const logs = ensurePrivateFolder(join(data, 'logs'))
  const secrets = ensurePrivateFolder(join(data, 'secrets'))
  const relaySecret = ensureSecretFile(join(secrets, 'relay-tokens'))
  const keysSecret = ensureSecretFile(join(secrets, 'keys-tokens'))
  const signInSecret = ensureSecretFile(join(secrets, 'demo-sign-in'))
  const relayAdminToken = ensureSecretFile(join(secrets, 'relay-admin'))

  const offset = Number.parseInt(flags['port-offset'], 10)
  const relayPort = await freePort(RELAY_PORT + offset, HOST)
  const keysPort = await freePort(KEYS_PORT + offset, HOST, [relayPort])
  const demoPort = await freePort(DEMO_PORT + offset, HOST, [relayPort, keysPort])
  const url = `http://${HOST}:${demoPort}`

  /** @type {(name: string, port: number, script: string, args: string[]) => import('./child-server.mjs').ChildServer} */
  const server = (name, port, script, args) =>
    startServer({
      name,
      script: join(projectRoot, script),
      args: ['--host', HOST, '--port', String(port), ...args],
      healthUrl: `http://${HOST}:${port}/healthz`,
      logPath: join(logs, `${name.replaceAll(' ', '-')}.log`),
    })
  const relay = server('relay', relayPort, 'server/relay/dist/main.js', [
    ...['--data', ensurePrivateFolder(join(data, 'relay'))],
    ...['--token-secret-file', relaySecret],
    ...['--admin-token-file', relayAdminToken],
    // Whoever tries the demo rotates more often than people do.
    ...['--limit', 'rotationsPerMinute=60,rotationsPerDay=1000'],
    ...['--origins', url],
  ])
  const keys = server('key endpoint', keysPort, 'server/key-endpoint/dist/main.js', [
    ...['--data', ensurePrivateFolder(join(data, 'keys'))],
    ...['--token-secret-file', keysSecret],
    ...['--origins', url],
  ])
  const demo = server('demo editor', demoPort, 'demo-editor/dist/server/main.js', [
    ...['--relay-url', flags['relay-url'] ?? `ws://${HOST}:${relayPort}`],
    ...['--keys-url', `http://${HOST}:${keysPort}/keys`],
    ...['--relay-secret-file', relaySecret],
    ...['--keys-secret-file', keysSecret],
    ...['--sign-in-secret-file', signInSecret],
    ...['--relay-admin-url', `http://${HOST}:${relayPort}/admin/`],
    ...['--relay-admin-token-file', relayAdminToken],
    ...['--members-file', join(ensurePrivateFolder(join(data, 'demo')), 'members.json')],
  ])
  return { servers: [relay, keys, demo], url }
}
