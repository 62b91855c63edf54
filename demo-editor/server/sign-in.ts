import express from 'express'
import { type AccessTokenOptions, createAccessTokens } from './access-tokens.ts'
import { MemberBook, Refused } from './member-book.ts'
import { createPasses, type Passes } from './passes.ts'
import { createRemoval, type RemovalOptions } from './removal.ts'
import { parseDocumentName, parseKeyIn, parsePersonName } from './request-fields.ts'
import { createSharing } from './sharing.ts'

export interface SignInOptions extends RemovalOptions, AccessTokenOptions {
  origin: string
  relayUrl: string
  signInSecret: Uint8Array
  /** Where it is kept who may open what; without it in memory only. */
  membersFile?: string
}

/** A few names and a pass: far below this. */
const BODY_LIMIT = '8kb'

/**
 * POST /sign-in {name} → {pass}, what a tab may keep. POST /access {pass, document, keyIn} → the two tokens for that document, and what its holder
 * may do there; a document that nobody has opened becomes this person's, with its key where `keyIn` says. The rest: sharing.ts.
 * JSON from our own origin only: a foreign page can send neither the type without a preflight nor our Origin.
 * 400 bad fields, 401 no valid pass, 403 foreign origin or a Refusal, 415 not JSON; the body is always `{error}`.
 */
export function createSignIn(options: SignInOptions): express.Router {
  const passes = createPasses(options.signInSecret)
  const tokens = createAccessTokens(options)
  const book = new MemberBook(options.membersFile)
  const router = express.Router()

  router.post('/{*path}', (request, response, next) => {
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
  router.post('/{*path}', onlySignedIn(passes))

  router.post('/access', async (request, response) => {
    const document = parseDocumentName(request.body.document)
    const keyIn = parseKeyIn(request.body.keyIn ?? 'endpoint')
    if (document === undefined || keyIn === undefined) {
      response.status(400).json({ error: 'document' })
      return
    }
    const { relayUrl, keysUrl } = options
    const { person } = response.locals as SignedIn
    const membership = book.enter(document, person, keyIn)
    const issued = await tokens.issue(person, document, membership.role)
    response.json({ name: person, relayUrl, keysUrl, ...membership, ...issued })
  })
  router.use(createSharing(book, createRemoval(book, tokens, options)))

  router.use(((error, _request, response, _next) => {
    if (error instanceof Refused) response.status(403).json({ error: error.reason })
    // Whatever it was (not JSON, too long): its text could quote the request.
    else response.status(400).json({ error: 'request' })
  }) satisfies express.ErrorRequestHandler)
  return router
}

/** What `onlySignedIn` leaves in `response.locals`. */
export interface SignedIn {
  person: string
}

function onlySignedIn(passes: Passes): express.RequestHandler {
  return async (request, response, next) => {
    const person = await passes.read(request.body?.pass)
    if (person === undefined) response.status(401).json({ error: 'pass' })
    else {
      response.locals.person = person
      next()
    }
  }
}
