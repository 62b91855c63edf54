import { type KeyAnswer, parseKeyAnswer } from '@y-sealed/key-client/contract'
import type { RawRequest } from './exchange.ts'

export interface Question {
  readonly documentId: string
  readonly keyHint: string | null
  readonly after?: string
  readonly record?: string
}

export type Capability = 'after' | 'epoch' | 'active' | 'record'

export type DialectName = 'contract' | 'key-id' | 'get'

/** How a question is put on the wire, and how the answer is read. */
export interface Dialect {
  readonly name: DialectName
  /** The members of a body, where there is one. */
  readonly body?: { readonly hint: 'keyHint' | 'keyId' }
  request(url: URL, question: Question): RawRequest
  /** @throws ContractError for what is not an answer */
  parse(answer: unknown): KeyAnswer
}

const CONTRACT: Dialect = {
  name: 'contract',
  body: { hint: 'keyHint' },
  request: (url, question) => ({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(question),
  }),
  parse: parseKeyAnswer,
}

/** TinyMCE's documentation: `keyId` and `secret`, and no content type, so that a browser sends text/plain. */
const KEY_ID: Dialect = {
  name: 'key-id',
  body: { hint: 'keyId' },
  request: (url, { documentId, keyHint }) => ({
    method: 'POST',
    url,
    headers: { 'content-type': 'text/plain;charset=UTF-8' },
    body: JSON.stringify({ documentId, keyId: keyHint }),
  }),
  parse: (answer) => {
    const { keyId, secret } = membersOf(answer)
    return parseKeyAnswer({ key: secret, keyHint: keyId })
  },
}

/** TinyMCE's reference server: GET of a path with the document in it, and the hint as a parameter. */
const GET: Dialect = {
  name: 'get',
  request: (url, { documentId, keyHint }) => {
    const base = url.href.replace(/\/$/, '')
    const asked = new URL(`${base}/documents/${encodeURIComponent(documentId)}/key`)
    if (keyHint !== null) asked.searchParams.set('keyHint', keyHint)
    return { method: 'GET', url: asked, headers: { accept: 'application/json' } }
  },
  parse: parseKeyAnswer,
}

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { contract: CONTRACT, 'key-id': KEY_ID, get: GET }

/** An object by its members, each unknown; for anything else none. */
export function membersOf(value: unknown): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  // Any object may be read by name.
  return isObject ? (value as Record<string, unknown>) : {}
}
