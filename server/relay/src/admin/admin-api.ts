import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_ROOM_BYTES } from '@y-sealed/protocol'
import { errorFields, type Log } from '../telemetry/log.ts'
import type { Operator } from './operator.ts'

export const ADMIN_PATH = '/admin/'

// As for access tokens (RFC 7518 §3.2): nothing shorter withstands guessing for years.
const MIN_TOKEN_BYTES = 32

// A room and a subject.
const MAX_BODY_BYTES = 8 * 1024

// More than anybody reads; ask room by room.
const MAX_SESSIONS = 10_000

interface Answer {
  status: number
  body: object
}

type Fields = Record<string, unknown>

/** Something is wrong with a request; its message names the part, never its content. */
class BadRequest extends Error {
  readonly status: number

  constructor(status: number, code: string) {
    super(code)
    this.status = status
  }
}

/** Throws TypeError for a token under 32 bytes. */
export function checkAdminToken(token: string): void {
  const bytes = Buffer.byteLength(token)
  if (bytes < MIN_TOKEN_BYTES) {
    throw new TypeError(`admin.token: expected at least ${MIN_TOKEN_BYTES} bytes; got ${bytes}`)
  }
}

/**
 * What an operator does, over HTTP: `POST /admin/<act>` with a JSON body, and `Authorization: Bearer` with the operator's own token.
 * Names of rooms and people stand in bodies, never in URLs, which proxies log.
 */
export class AdminApi {
  readonly #token: Buffer
  readonly #operator: Operator
  readonly #log: Log

  constructor(token: string, operator: Operator, log: Log) {
    this.#token = digest(token)
    this.#operator = operator
    this.#log = log
  }

  /** Whether this request has the operator's token. */
  isOperator({ headers }: IncomingMessage): boolean {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    return timingSafeEqual(digest(token), this.#token)
  }

  /** Never throws. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#act(request).catch((error: unknown): Answer => {
      if (error instanceof BadRequest) return { status: error.status, body: { error: error.message } }
      this.#log.error('admin act failed', errorFields(error))
      return { status: 500, body: { error: 'internal' } }
    })
    // What is left of a body that was too long is not read.
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
    response.writeHead(status, status === 413 ? { ...headers, connection: 'close' } : headers)
    response.end(JSON.stringify(body))
  }

  async #act(request: IncomingMessage): Promise<Answer> {
    if (!this.isOperator(request)) throw new BadRequest(401, 'unauthorised')
    if (request.method !== 'POST') throw new BadRequest(405, 'method-not-allowed')
    // A form of a web page cannot have this type without being asked for first.
    if (request.headers['content-type'] !== 'application/json') throw new BadRequest(415, 'unsupported-media-type')
    const act = (request.url ?? '').slice(ADMIN_PATH.length)
    const fields = await readFields(request)
    const body = await this.#carryOut(act, fields)
    this.#log.info('admin act', { code: act })
    return { status: 200, body }
  }

  async #carryOut(act: string, fields: Fields): Promise<object> {
    const operator = this.#operator
    switch (act) {
      case 'sessions': {
        const sessions = await operator.sessions(optional(fields, 'room'))
        return { sessions: sessions.slice(0, MAX_SESSIONS), total: sessions.length }
      }
      case 'close-sessions': {
        const room = optional(fields, 'room')
        const subject = required(fields, 'subject')
        return { closed: await operator.closeSessions({ subject, ...(room !== undefined && { room }) }) }
      }
      case 'recheck':
        operator.recheck(required(fields, 'room'))
        return {}
      case 'usage':
        return await operator.usage(required(fields, 'room'))
      case 'epochs':
        return { epochs: await operator.keptEpochs(required(fields, 'room')) }
      case 'delete':
        return { deleted: await operator.deleteDocument(required(fields, 'room')) }
      default:
        throw new BadRequest(404, 'not-found')
    }
  }
}

async function readFields(request: IncomingMessage): Promise<Fields> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    if (!Buffer.isBuffer(piece)) throw new BadRequest(400, 'malformed')
    bytes += piece.length
    if (bytes > MAX_BODY_BYTES) throw new BadRequest(413, 'too-large')
    pieces.push(piece)
  }
  let value: unknown
  try {
    value = JSON.parse(Buffer.concat(pieces).toString())
  } catch {
    throw new BadRequest(400, 'malformed')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRequest(400, 'malformed')
  return { ...value }
}

function required(fields: Fields, name: 'room' | 'subject'): string {
  const value = optional(fields, name)
  if (value === undefined) throw new BadRequest(400, `${name}-missing`)
  return value
}

function optional(fields: Fields, name: 'room' | 'subject'): string | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > MAX_ROOM_BYTES) {
    throw new BadRequest(400, `${name}-malformed`)
  }
  return value
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
