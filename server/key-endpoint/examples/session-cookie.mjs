// An Express app that has a login, with a key endpoint in it: node session-cookie.mjs, then POST /login.
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { AuthenticationError, auditFile, keyRouter, openKeyStore } from '@y-sealed/key-endpoint'
import express from 'express'

/** What the app has: who there is, who may do what, who is logged in. */
export function createApp({ users, members, store, audit }) {
  const sessions = new Map()
  const app = express()

  app.post('/login', express.json(), (request, response) => {
    const { name, password } = request.body ?? {}
    const user = Object.hasOwn(users, name) ? users[name] : undefined
    const given = scryptSync(String(password), user?.salt ?? '', 32)
    if (!user || !timingSafeEqual(given, user.hash)) return response.sendStatus(401)
    const id = randomBytes(32).toString('base64url')
    sessions.set(id, name)
    response.cookie('session', id, { httpOnly: true, secure: request.secure, sameSite: 'strict' }).sendStatus(204)
  })

  // What is new.
  app.use(
    '/keys',
    keyRouter({
      store,
      audit,
      authorize(request, { documentId }) {
        const id = /(?:^|;\s*)session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
        const name = sessions.get(id)
        if (name === undefined) throw new AuthenticationError('not logged in')
        const role = members.get(documentId)?.get(name)
        return role === undefined ? null : { subject: name, role }
      },
    }),
  )
  return app
}

export function createUser(password) {
  const salt = randomBytes(16)
  return { salt, hash: scryptSync(password, salt, 32) }
}

if (import.meta.filename === process.argv[1]) {
  const users = { ada: createUser('correct horse'), bob: createUser('battery staple') }
  const members = new Map([['doc-1', new Map(Object.entries({ ada: 'admin', bob: 'read' }))]])
  const store = await openKeyStore({ data: './data/keys' })
  createApp({ users, members, store, audit: auditFile('./data/audit.jsonl') }).listen(3000, '127.0.0.1')
}
