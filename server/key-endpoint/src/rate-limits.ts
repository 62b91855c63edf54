import type { Request } from 'express'
import { rateLimit } from 'express-rate-limit'
import { Refusal } from './refusal.ts'

/** Questions a minute. Counted by who asks and for what, never by address: an office has one address and many people. */
export interface RateLimits {
  /**
   * Of one subject for one document; default 120. A client asks some five times when it opens a document and every ten minutes after; a few tabs
   * and a rotation that is tried again stay far below.
   */
  readonly perDocument?: number
  /** Of one subject for all documents; default 3,000: a script that opens every document of an archive is not stopped by accident. */
  readonly perSubject?: number
}

const MINUTE_MS = 60_000
const PER_DOCUMENT = 120
const PER_SUBJECT = 3_000

/**
 * Counts a question; per process, in memory.
 * @throws Refusal `too-many`, with `Retry-After` set on the response
 */
export type CountQuestion = (request: Request, subject: string, documentId: string) => Promise<void>

/** @throws TypeError for what is no whole number from 1 */
export function createRateLimits({
  perDocument = PER_DOCUMENT,
  perSubject = PER_SUBJECT,
}: RateLimits = {}): CountQuestion {
  const asked = new WeakMap<Request, { subject: string; documentId: string }>()
  const askedBy = (request: Request) => asked.get(request) ?? { subject: '', documentId: '' }
  const limits = [
    limiter('perSubject', perSubject, (request) => askedBy(request).subject),
    limiter('perDocument', perDocument, (request) => JSON.stringify(askedBy(request))),
  ]
  return async (request, subject, documentId) => {
    // authorize may be asked twice within one request, which is one question all the same.
    if (asked.has(request)) return
    asked.set(request, { subject, documentId })
    for (const limit of limits) {
      await new Promise<void>((resolve, reject) => {
        // Express sets it on every request that it hands on.
        const { res } = request
        if (!res) return reject(new TypeError('rate limits need a request of Express'))
        void limit(request, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
      })
    }
  }
}

function limiter(name: string, limit: number, keyGenerator: (request: Request) => string) {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new TypeError(`rateLimits.${name}: expected a whole number from 1; got ${String(limit)}`)
  }
  return rateLimit({
    windowMs: MINUTE_MS,
    limit,
    keyGenerator,
    legacyHeaders: false,
    standardHeaders: false,
    handler: (_request, response, next) => {
      response.setHeader('Retry-After', String(MINUTE_MS / 1_000))
      next(new Refusal('too-many'))
    },
  })
}
