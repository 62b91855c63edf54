import { type KeyRequest, parseKeyRequest } from '@y-sealed/key-client/contract'
import type { Request, RequestHandler } from 'express'
import { AuthenticationError } from './authorize.ts'
import { answerKey, type KeyKeeping } from './key-question.ts'
import { type AllowedOrigins, listedOrigins } from './origin.ts'
import { Refusal, type RefusalBody, type RefusalCode, sendRefusal } from './refusal.ts'
import { parseRequestBody } from './request-body.ts'

/**
 * Other ways to ask than the contract's, from the pages of TinyMCE RTC; each off unless it is named.
 * `key-id`: POST of `{documentId, keyId}` without a content type. `get`: GET of `/documents/<id>/key?keyHint=`.
 */
export type Dialect = 'key-id' | 'get'

const DIALECTS: readonly Dialect[] = ['key-id', 'get']

/** @throws TypeError for one that there is not */
export function parseDialects(where: string, given: readonly Dialect[] = []): ReadonlySet<Dialect> {
  const unknown = given.find((name) => !DIALECTS.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${where}: there is no dialect "${unknown}", only ${DIALECTS.join(', ')}`)
  return new Set(given)
}

/**
 * Answers the dialect `key-id`, and lets everything else go on to the contract. A page may send text/plain without a
 * preflight, so only one of the list is listened to, and a request without an Origin is not.
 */
export function answerKeyId(keeping: KeyKeeping, origins: AllowedOrigins | undefined): RequestHandler {
  const isListed = listedOrigins(origins)
  return async (request, response, next) => {
    const question = parseRequestBody(request, parseKeyIdRequest)
    if (question === undefined) return next()
    const { origin } = request.headers
    if (origin === undefined || !isListed(origin)) throw new Refusal('origin-refused')
    const { key, keyHint } = await answerKey(request, question, keeping)
    // Both of TinyMCE's samples: one reads `secret` and `keyId`, the other `key` and `keyHint`.
    response.json({ keyId: keyHint, secret: key, key, keyHint })
  }
}

/** Undefined for what has no `keyId`. */
function parseKeyIdRequest(value: unknown): KeyRequest | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'keyId')) return undefined
  // Any object may be read by name; each member is then parsed as unknown.
  const { documentId, keyId, ...others } = value as Record<string, unknown>
  if (Object.keys(others).length > 0) throw new Refusal('malformed')
  return parseKeyRequest({ documentId, keyHint: keyId })
}

/** Below the router. */
export const GET_PATH = '/documents/:documentId/key'

export const getOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'GET') next()
  else sendRefusal(response, 'get-only', getRefusal)
}

/**
 * Answers the dialect `get`. A picture or a link of any page can GET, with cookies, so somebody must say who asks in a
 * header that no page can send unasked: Authorization.
 */
export function answerGet(keeping: KeyKeeping): RequestHandler<{ documentId: string }> {
  return async (request, response) => {
    if (request.headers.authorization === undefined) throw new AuthenticationError('no Authorization header')
    const question = parseRequestBody({ body: parametersOf(request) }, parseKeyRequest)
    const { key, keyHint } = await answerKey(request, question, keeping)
    response.json({ success: true, key, keyHint })
  }
}

/** One `keyHint` or none, which is null; another parameter is a question that this would answer wrongly. */
function parametersOf({ params, originalUrl }: Request<{ documentId: string }>): unknown {
  const asked = [...new URL(originalUrl, 'http://localhost').searchParams]
  if (asked.length > 1 || asked.some(([name]) => name !== 'keyHint')) throw new Refusal('malformed')
  return { documentId: params.documentId, keyHint: asked[0]?.[1] ?? null }
}

/** The words of TinyMCE's reference server. */
const GET_MESSAGES: Partial<Record<RefusalCode, string>> = {
  unauthenticated: 'Not authorized',
  refused: 'Document either does not exist or the user does not have the permission required.',
  'key-unknown': 'Could not find the requested key.',
}

export const getRefusal: RefusalBody = (code) => ({ success: false, message: GET_MESSAGES[code] ?? code })
