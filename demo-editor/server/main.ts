import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createDemoApp } from './demo-app.ts'

const HELP = `demo editor of y-sealed: serves the page and signs people in, without passwords. For one machine, not for the internet.

  --host HOST                  default 127.0.0.1
  --port PORT                  default 8080
  --relay-url URL              ws://… of the relay
  --keys-url URL               http://…/keys of the key endpoint
  --relay-secret-file FILE     the secret that the relay checks its access tokens with
  --keys-secret-file FILE      the same for the key endpoint: another secret
  --sign-in-secret-file FILE   the demo's own: seals what a tab remembers of its sign-in
  --relay-admin-url URL        http://…/admin/ of the relay: to close the sessions of who is removed
  --relay-admin-token-file FILE
  --members-file FILE          who may open what; default: in memory only`

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    'relay-url': { type: 'string', default: 'ws://127.0.0.1:8787' },
    'keys-url': { type: 'string', default: 'http://127.0.0.1:8788/keys' },
    'relay-secret-file': { type: 'string' },
    'keys-secret-file': { type: 'string' },
    'sign-in-secret-file': { type: 'string' },
    'relay-admin-url': { type: 'string', default: 'http://127.0.0.1:8787/admin/' },
    'relay-admin-token-file': { type: 'string' },
    'members-file': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(HELP)
} else {
  const host = values.host
  const port = Number(values.port)
  const origin = `http://${host}:${port}`
  const app = createDemoApp({
    origin,
    relayUrl: values['relay-url'],
    keysUrl: values['keys-url'],
    relaySecret: readSecret('relay-secret-file'),
    keysSecret: readSecret('keys-secret-file'),
    signInSecret: readSecret('sign-in-secret-file'),
    relayAdminUrl: values['relay-admin-url'],
    relayAdminToken: new TextDecoder().decode(readSecret('relay-admin-token-file')),
    ...(values['members-file'] !== undefined && { membersFile: values['members-file'] }),
    pageFolder: fileURLToPath(new URL('../page', import.meta.url)),
  })
  const server = app.listen(port, host, () => console.log(`demo editor listening on ${origin}`))
  server.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 1
  })
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      server.close()
      server.closeAllConnections()
    })
  }
}

function readSecret(
  flag: 'relay-secret-file' | 'keys-secret-file' | 'sign-in-secret-file' | 'relay-admin-token-file',
): Uint8Array {
  const path = values[flag]
  if (path === undefined) throw new Error(`--${flag} is missing`)
  return new TextEncoder().encode(readFileSync(path, 'utf8').trim())
}
