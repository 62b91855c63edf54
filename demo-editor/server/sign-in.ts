import express from 'express'
import { createAccessTokens } from './access-tokens.ts'
import { createPasses } from './passes.ts'
import { parseDocumentName, parsePersonName } from './request-fields.ts'

export interface SignInOptions {
  origin: string
  relayUrl: string
  keysUrl: string
  relaySecret: Uint8Array
  keysSecret: Uint8Array
  signInSecret: Uint8Array
}

/** A name or a pass with a document's name: far below this. */
const BODY_LIMIT = '8kb'

/**
 * POST /sign-in {name} → {pass}, what a tab may keep. POST /access {pass, document} → the two tokens for that document.
 * JSON from our own origin only: a foreign page can send neither the type without a preflight nor our Origin.
 * 400 bad fields, 401 no valid pass, 403 foreign origin, 415 not JSON; the body is always `{error}`.
 */
export function createSignIn(options: SignInOptions): express.Router {
  const passes = createPasses(options.signInSecret)
  const tokens = createAccessTokens(options)
  const router = express.Router()

  router.post(['/sign-in', '/access'], (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store')
    if (request.headers.origin !== options.origin) response.status(403).json({ error: 'foreign-origin' })
    else if (!request.is('application/json')) response.status(415).json({ error: 'json-only' })
    else next()
  })
  router.use(express.json({ limit: BODY_LIMIT }))

  router.post('/sign-in', async (request, response) => {
    const name = parsePersonName(request.body?.name)
    if (name === undefined) response.status(400).json({ error: 'name' })
    else response.json({ pass: await passes.issue(name) })
  })

  router.post('/access', async (request, response) => {
    const documentName = parseDocumentName(request.body?.document)
    const name = await passes.read(request.body?.pass)
    if (documentName === undefined) response.status(400).json({ error: 'document' })
    else if (name === undefined) response.status(401).json({ error: 'pass' })
    else {
      const { relayUrl, keysUrl } = options
      response.json({ name, relayUrl, keysUrl, ...(await tokens.issue(name, documentName)) })
    }
  })

  router.use(((_error, _request, response, _next) => {
    // Whatever it was (not JSON, too long): its text could quote the request.
    response.status(400).json({ error: 'request' })
  }) satisfies express.ErrorRequestHandler)
  return router
}
