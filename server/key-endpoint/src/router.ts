import type { KeyRequest } from '@y-sealed/key-client/contract'
import { type Request, type RequestHandler, Router } from 'express'
import { type Authorize, mayDo, type Purpose } from './authorize.ts'
import type { IssuedKey, KeyStore } from './key-store.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { createLog, type Log } from './log.ts'
import { type AllowedOrigins, allowOrigins } from './origin.ts'
import { Refusal, refuseErrors, sendRefusal } from './refusal.ts'
import { parseRequestBody, readRequestBody } from './request-body.ts'

export interface KeyRouterOptions {
  /** Who may have which key. There is no default. */
  readonly authorize: Authorize
  readonly store: KeyStore
  /** Web origins other than the endpoint's own that may ask. Default: none. */
  readonly origins?: AllowedOrigins
  readonly log?: Log
}

const OPTION_NAMES = ['authorize', 'store', 'origins', 'log'] as const satisfies (keyof KeyRouterOptions)[]

/**
 * The key endpoint for an Express app: POST of a KeyRequest as JSON, answered 200 by
 * `{key, keyHint, epoch, active}`, else by `{error: code}` (see the README's table).
 * @throws TypeError without authorize or store, or for an unknown option
 */
export function keyRouter(options: KeyRouterOptions): Router {
  refuseUnknownOptions('keyRouter', options, OPTION_NAMES)
  const { authorize, store, origins, log = createLog() } = options
  if (typeof authorize !== 'function') throw new TypeError('keyRouter: the option authorize is required')
  if (typeof store !== 'object' || store === null) throw new TypeError('keyRouter: the option store is required')

  const router = Router()
  router.all('/', noStore, ...allowOrigins(origins), postOnly, ...readRequestBody, async (request, response) => {
    response.json(await answer(request, parseRequestBody(request), authorize, store))
  })
  router.use(refuseErrors(log))
  return router
}

async function answer(
  request: Request,
  { documentId, keyHint }: KeyRequest,
  authorize: Authorize,
  store: KeyStore,
): Promise<IssuedKey> {
  const found = keyHint === null ? await store.current(documentId) : await store.find(documentId, keyHint)
  const purpose = purposeOf(keyHint, found)
  // Before anything depends on what was found: those who may not know get the same answer either way.
  if (!mayDo(await authorize(request, { documentId, purpose }), purpose)) throw new Refusal('refused')
  const issued = keyHint === null ? (found ?? (await store.currentOrNew(documentId))) : found
  if (!issued) throw new Refusal('key-unknown')
  const { key, epoch, active } = issued
  return { key, keyHint: issued.keyHint, epoch, active }
}

function purposeOf(keyHint: string | null, found: IssuedKey | undefined): Purpose {
  if (keyHint === null && !found) return 'create'
  return found && !found.active ? 'read-old' : 'read-current'
}

const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store')
  next()
}

const postOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'POST') next()
  else sendRefusal(response, 'post-only')
}
