import type { ErrorRequestHandler, Response } from 'express'
import { AuthenticationError } from './authorize.ts'
import type { Log } from './log.ts'

/** Every answer but 200 is `{error: code}` and nothing else: no key, no hint, no word on whether a document exists. */
const STATUS_BY_CODE = {
  malformed: 400,
  unauthenticated: 401,
  refused: 403,
  'origin-refused': 403,
  'key-unknown': 404,
  'not-found': 404,
  'post-only': 405,
  'get-only': 405,
  'key-active': 409,
  'rotation-unsupported': 409,
  'too-large': 413,
  'json-only': 415,
  'too-many': 429,
  internal: 500,
} as const

export type RefusalCode = keyof typeof STATUS_BY_CODE

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode

  constructor(code: RefusalCode) {
    super(code)
    this.code = code
  }
}

/** What is answered beside the status. */
export type RefusalBody = (code: RefusalCode) => object

const errorCode: RefusalBody = (code) => ({ error: code })

export function sendRefusal(response: Response, code: RefusalCode, bodyOf: RefusalBody = errorCode): void {
  // RFC 9110 §11.6.1 and §15.5.6 demand a header each.
  if (code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer')
  if (code === 'post-only') response.setHeader('Allow', 'POST, OPTIONS')
  if (code === 'get-only') response.setHeader('Allow', 'GET, OPTIONS')
  response.status(STATUS_BY_CODE[code]).json(bodyOf(code))
}

/** The last error handler: whatever was thrown becomes a code; only what nobody foresaw is logged, by name. */
export function refuseErrors(log: Log, bodyOf?: RefusalBody): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const code = refusalCodeOf(error)
    if (code === 'internal') log.error({ error: nameOf(error) }, 'a key request failed')
    sendRefusal(response, code, bodyOf)
  }
}

function refusalCodeOf(error: unknown): RefusalCode {
  if (error instanceof Refusal) return error.code
  if (error instanceof AuthenticationError) return 'unauthenticated'
  // The errors of Express' own body reader carry a status.
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  if (status === 413) return 'too-large'
  if (status === 415) return 'json-only'
  return typeof status === 'number' && status >= 400 && status < 500 ? 'malformed' : 'internal'
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}
