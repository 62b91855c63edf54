import { parseKeyRequest } from '@y-sealed/key-client/contract'
import { type RequestHandler, Router } from 'express'
import helmet from 'helmet'
import { admit, type RequestDraft } from './admission.ts'
import { type Audit, audited } from './audit.ts'
import type { Authorize } from './authorize.ts'
import { answerGet, answerKeyId, type Dialect, GET_PATH, getOnly, getRefusal, parseDialects } from './dialects.ts'
import { KEY_ACTS, parseAct } from './key-acts.ts'
import { parseAgeMs } from './key-age.ts'
import { answerKey, type KeyKeeping } from './key-question.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { createLog, type Log } from './log.ts'
import { type Generate, generatedKeys } from './methods/stored-keys.ts'
import { type AllowedOrigins, allowOrigins, noCookieUnasked } from './origin.ts'
import { createRateLimits, type RateLimits } from './rate-limits.ts'
import { refuseErrors, sendRefusal } from './refusal.ts'
import { parseRequestBody, readAnyBody, readRequestBody } from './request-body.ts'
import type { KeyStore } from './store/key-store.ts'

export interface KeyRouterOptions {
  /** Who may have which key. There is no default. */
  readonly authorize: Authorize
  readonly store: KeyStore
  /** Makes new keys in place of the store. What was made before is answered as it was. */
  readonly generate?: Generate
  /** How old a key may be, such as `'30d'`, `'12h'` or `'90m'`; then it counts as inactive. Default: for ever. */
  readonly rotateAfter?: string
  /** Told of everything that is decided about a key, before it is answered. Default: nobody. */
  readonly audit?: Audit
  /** Web origins other than the endpoint's own that may ask. Default: none. */
  readonly cors?: AllowedOrigins
  /** How often one subject may ask. `false`: as often as it likes. */
  readonly rateLimits?: RateLimits | false
  /** Ways to ask beside the contract's. Default: none. */
  readonly dialects?: readonly Dialect[]
  readonly log?: Log
}

const OPTION_NAMES = [
  'authorize',
  'store',
  'generate',
  'rotateAfter',
  'audit',
  'cors',
  'rateLimits',
  'dialects',
  'log',
] as const satisfies (keyof KeyRouterOptions)[]

/**
 * The key endpoint for an Express app. POST of a KeyRequest as JSON is answered 200 by
 * `{key, keyHint, epoch, active, record}`; below it `/rotate`, `/deactivate`, `/shred` and `/list` act on the keys of a
 * document and answer without them. Everything else is `{error: code}` (see the README's tables).
 * @throws TypeError without authorize or store, for an unknown option, or one that is not what it says
 */
export function keyRouter(options: KeyRouterOptions): Router {
  refuseUnknownOptions('keyRouter', options, OPTION_NAMES)
  const { cors, log = createLog() } = options
  const dialects = parseDialects('keyRouter', options.dialects)
  const keeping = keepingOf(options)

  const router = Router()
  const webGuards = [helmet(), noStore, ...allowOrigins(cors)]
  const postGuards = [...webGuards, postOnly, noCookieUnasked]
  const guards = [...postGuards, ...readRequestBody]
  if (dialects.has('get')) {
    router.all(GET_PATH, ...webGuards, getOnly, answerGet(keeping), refuseErrors(log, getRefusal))
  }
  if (dialects.has('key-id')) router.all('/', ...postGuards, readAnyBody, answerKeyId(keeping, cors))
  router.all('/', ...guards, async (request, response) => {
    const question = parseRequestBody(request, parseKeyRequest)
    response.json(await answerKey(request, question, keeping))
  })
  for (const [name, act] of Object.entries(KEY_ACTS)) {
    router.all(`/${name}`, ...guards, async (request, response) => {
      const asked = parseRequestBody(request, (value) => parseAct(act, value))
      const { documentId, keyHint, after } = asked
      const draft: RequestDraft = {
        ...{ act: act.name, documentId, subject: null, purpose: null },
        keyHint: keyHint ?? after ?? null,
      }
      const answer = await audited(keeping.audit, draft, async () => {
        // Before the store is looked at: those who may not know get the same answer whatever is in it.
        await admit(request, act.purpose, draft, keeping)
        return await act.run(keeping.store, asked)
      })
      response.json(answer)
    })
  }
  router.use(refuseErrors(log))
  return router
}

function keepingOf({ authorize, store, generate, rotateAfter, audit, rateLimits }: KeyRouterOptions): KeyKeeping {
  if (typeof authorize !== 'function') {
    throw new TypeError(`keyRouter: the option authorize is required, a function; got ${typeof authorize}`)
  }
  if (typeof store !== 'object' || store === null) {
    throw new TypeError(
      `keyRouter: the option store is required, such as openKeyStore() gives; got ${store === null ? 'null' : typeof store}`,
    )
  }
  for (const [name, value] of Object.entries({ generate, audit })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`keyRouter: ${name} is a function; got ${typeof value}`)
    }
  }
  return {
    authorize,
    store: generate === undefined ? store : store.using(generatedKeys(generate)),
    maxAgeMs: rotateAfter === undefined ? Number.POSITIVE_INFINITY : parseAgeMs(rotateAfter),
    ...(audit === undefined ? {} : { audit }),
    ...(rateLimits === false ? {} : { count: createRateLimits(rateLimits) }),
  }
}

const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store')
  next()
}

const postOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'POST') next()
  else sendRefusal(response, 'post-only')
}
