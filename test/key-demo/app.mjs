// @ts-check
// The customer's app: people log in, documents have members, and it answers for their keys. Any number of instances share its database.
import { readFileSync } from 'node:fs'
import { AuthenticationError, keyRouter, openKeyStore, parseMasterKey } from '@y-sealed/key-endpoint'
import express from 'express'
import { jwtVerify, SignJWT } from 'jose'
import pg from 'pg'

const argument = (/** @type {string} */ name) => process.argv[process.argv.indexOf(`--${name}`) + 1] ?? ''

/** @type {{ database: string, masterKey: string, sessionSecret: string, passwords: Record<string, string>, pages: string }} */
const settings = JSON.parse(readFileSync(argument('settings'), 'utf8'))
const sessionSecret = new TextEncoder().encode(settings.sessionSecret)
const database = new pg.Pool({ connectionString: settings.database })
database.on('error', () => {})
await database.query(
  'CREATE TABLE IF NOT EXISTS members (document text, name text, role text, PRIMARY KEY (document, name))',
)

/** @param {express.Request} request */
async function loggedIn(request) {
  const token = /(?:^|;\s*)session=([\w.-]+)/.exec(request.headers.cookie ?? '')?.[1]
  try {
    return String((await jwtVerify(token ?? '', sessionSecret, { algorithms: ['HS256'] })).payload.sub)
  } catch {
    throw new AuthenticationError('not logged in')
  }
}

/** @param {string} document @param {string} name */
async function roleOf(document, name) {
  const { rows } = await database.query('SELECT role FROM members WHERE document = $1 AND name = $2', [document, name])
  return rows[0]?.role
}

const app = express()
app.post('/login', express.json(), async (request, response) => {
  const { name, password } = request.body ?? {}
  if (!Object.hasOwn(settings.passwords, name) || settings.passwords[name] !== password) {
    response.sendStatus(401)
    return
  }
  // Signed, so that every instance knows it.
  const session = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(name)
    .setExpirationTime('1h')
    .sign(sessionSecret)
  response.cookie('session', session, { httpOnly: true, sameSite: 'strict' }).sendStatus(204)
})
app.post('/members/remove', express.json(), async (request, response) => {
  const { documentId, name } = request.body ?? {}
  if ((await roleOf(documentId, await loggedIn(request))) !== 'admin') {
    response.sendStatus(403)
    return
  }
  await database.query('DELETE FROM members WHERE document = $1 AND name = $2', [documentId, name])
  response.sendStatus(204)
})
app.use(express.static(settings.pages))

const store = await openKeyStore({
  data: settings.database,
  masterKeys: [parseMasterKey('settings', settings.masterKey)],
})
app.use(
  '/keys',
  keyRouter({
    store,
    audit: (line) => void process.stdout.write(`${JSON.stringify(line)}\n`),
    async authorize(request, { documentId }) {
      const name = await loggedIn(request)
      const role = await roleOf(documentId, name)
      return role === undefined ? null : { subject: name, role }
    },
  }),
)

const server = app.listen(Number(argument('port')), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  process.stdout.write(`app listening on http://127.0.0.1:${port}\n`)
})
