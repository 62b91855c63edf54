import cors from 'cors'
import type { Request, RequestHandler } from 'express'
import { Refusal } from './refusal.ts'

/** Exact origins such as `https://app.example`, or a predicate. */
export type AllowedOrigins = readonly string[] | ((origin: string) => boolean)

/** Browsers ask again after it; short, so that an origin that was taken off the list loses access soon. */
const PREFLIGHT_SECONDS = 600

/**
 * Lets web pages of the same origin and of the allowed origins ask, with cookies if they send any; refuses every other
 * page before anything is read or made. Requests without an Origin do not come from a page.
 * @throws TypeError for an entry that is not an origin
 */
export function allowOrigins(allowed: AllowedOrigins = []): RequestHandler[] {
  const isAllowed = listedOrigins(allowed)
  return [
    (request, response, next) => {
      response.vary('Origin')
      const { origin } = request.headers
      if (origin !== undefined && !isSameOrigin(origin, request) && !isAllowed(origin)) {
        throw new Refusal('origin-refused')
      }
      next()
    },
    cors({
      origin: true,
      methods: ['POST'],
      credentials: true,
      exposedHeaders: ['Retry-After'],
      maxAge: PREFLIGHT_SECONDS,
    }),
  ]
}

/**
 * A browser sends cookies along with what any page asks for, and an Origin with whatever is POSTed. So a cookie without an Origin is from a
 * browser that hides where it comes from, or from a program that has no need of one.
 */
export const noCookieUnasked: RequestHandler = ({ headers }, _response, next) => {
  if (headers.cookie !== undefined && headers.origin === undefined) throw new Refusal('origin-refused')
  next()
}

/** Tells the allowed origins, of which the endpoint's own is not one by itself. @throws TypeError for an entry that is none */
export function listedOrigins(allowed: AllowedOrigins = []): (origin: string) => boolean {
  if (typeof allowed === 'function') return allowed
  const origins = new Set(allowed)
  for (const [index, origin] of [...origins].entries()) {
    // Not quoted: a URL may have a password in it.
    if (!isOrigin(origin)) throw new TypeError(`cors: entry ${index + 1} is not an origin such as https://app.example`)
  }
  return (origin) => origins.has(origin)
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value
}

function isSameOrigin(origin: string, request: Request): boolean {
  if (!URL.canParse(origin)) return false
  const { host, protocol } = new URL(origin)
  // Who is between may make up a page of the same host, but not over TLS.
  return host === request.headers.host && (!request.secure || protocol === 'https:')
}
