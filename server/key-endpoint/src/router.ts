import { parseKeyRequest } from '@y-sealed/key-client/contract'
import { type RequestHandler, Router } from 'express'
import { type Authorize, mayDo } from './authorize.ts'
import { answerGet, answerKeyId, type Dialect, GET_PATH, getOnly, getRefusal, parseDialects } from './dialects.ts'
import { KEY_ACTS, parseAct } from './key-acts.ts'
import { parseAgeMs } from './key-age.ts'
import { answerKey } from './key-question.ts'
import type { KeyStore } from './key-store.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { createLog, type Log } from './log.ts'
import { type AllowedOrigins, allowOrigins } from './origin.ts'
import { Refusal, refuseErrors, sendRefusal } from './refusal.ts'
import { parseRequestBody, readAnyBody, readRequestBody } from './request-body.ts'

export interface KeyRouterOptions {
  /** Who may have which key. There is no default. */
  readonly authorize: Authorize
  readonly store: KeyStore
  /** How old a key may be, such as `'30d'`, `'12h'` or `'90m'`; then it counts as inactive. Default: for ever. */
  readonly rotateAfter?: string
  /** Web origins other than the endpoint's own that may ask. Default: none. */
  readonly origins?: AllowedOrigins
  /** Ways to ask beside the contract's. Default: none. */
  readonly dialects?: readonly Dialect[]
  readonly log?: Log
}

const OPTION_NAMES = [
  'authorize',
  'store',
  'rotateAfter',
  'origins',
  'dialects',
  'log',
] as const satisfies (keyof KeyRouterOptions)[]

/**
 * The key endpoint for an Express app. POST of a KeyRequest as JSON is answered 200 by
 * `{key, keyHint, epoch, active, record}`; below it `/rotate`, `/deactivate`, `/shred` and `/list` act on the keys of a
 * document and answer without them. Everything else is `{error: code}` (see the README's tables).
 * @throws TypeError without authorize or store, for an unknown option, or a rotateAfter that is not an age
 */
export function keyRouter(options: KeyRouterOptions): Router {
  refuseUnknownOptions('keyRouter', options, OPTION_NAMES)
  const { authorize, store, rotateAfter, origins, log = createLog() } = options
  const dialects = parseDialects('keyRouter', options.dialects)
  if (typeof authorize !== 'function') throw new TypeError('keyRouter: the option authorize is required')
  if (typeof store !== 'object' || store === null) throw new TypeError('keyRouter: the option store is required')
  const maxAgeMs = rotateAfter === undefined ? Number.POSITIVE_INFINITY : parseAgeMs(rotateAfter)

  const router = Router()
  const keeping = { authorize, store, maxAgeMs }
  const webGuards = [noStore, ...allowOrigins(origins)]
  const guards = [...webGuards, postOnly, ...readRequestBody]
  if (dialects.has('get')) {
    router.all(GET_PATH, ...webGuards, getOnly, answerGet(keeping), refuseErrors(log, getRefusal))
  }
  if (dialects.has('key-id')) router.all('/', ...webGuards, postOnly, readAnyBody, answerKeyId(keeping, origins))
  router.all('/', ...guards, async (request, response) => {
    const question = parseRequestBody(request, parseKeyRequest)
    response.json(await answerKey(request, question, keeping))
  })
  for (const [name, act] of Object.entries(KEY_ACTS)) {
    router.all(`/${name}`, ...guards, async (request, response) => {
      const asked = parseRequestBody(request, (value) => parseAct(act, value))
      // Before the store is looked at: those who may not know get the same answer whatever is in it.
      const { documentId } = asked
      if (!mayDo(await authorize(request, { documentId, purpose: act.purpose }), act.purpose)) {
        throw new Refusal('refused')
      }
      response.json(await act.run(store, asked))
    })
  }
  router.use(refuseErrors(log))
  return router
}

const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store')
  next()
}

const postOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'POST') next()
  else sendRefusal(response, 'post-only')
}
