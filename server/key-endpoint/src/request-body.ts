import { ContractError } from '@y-sealed/key-client/contract'
import express, { type Request, type RequestHandler } from 'express'
import { Refusal } from './refusal.ts'

/** A document id and a hint of the longest kind, escaped, are 8 KiB. */
const MAX_REQUEST_BYTES = 16 * 1024

const JSON_TYPE = 'application/json'

/**
 * Reads the body, as raw bytes because Express' own JSON reader replaces what is not UTF-8. Content that is not JSON is
 * refused: a form or a text/plain request would reach the endpoint from any web page without a preflight.
 */
export const readRequestBody: RequestHandler[] = [
  (request, _response, next) => {
    if (!request.is(JSON_TYPE)) throw new Refusal('json-only')
    next()
  },
  express.raw({ type: JSON_TYPE, limit: MAX_REQUEST_BYTES, inflate: false }),
]

/** Of whatever content type: what it asks decides whether that will do. */
export const readAnyBody: RequestHandler = express.raw({ type: () => true, limit: MAX_REQUEST_BYTES, inflate: false })

/**
 * What `parse` makes of the body.
 * @throws Refusal `malformed`
 */
export function parseRequestBody<T>({ body }: Pick<Request, 'body'>, parse: (value: unknown) => T): T {
  try {
    // An app that mounts express.json() before the router has parsed the body already.
    return parse(body instanceof Uint8Array ? parseJson(body) : body)
  } catch (error) {
    throw error instanceof ContractError ? new Refusal('malformed') : error
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Refusal('malformed')
  }
}
