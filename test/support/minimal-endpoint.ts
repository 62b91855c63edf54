import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One mistake that somebody may make in an endpoint. */
export type Mistake =
  | 'a new key for each hint'
  | 'a hint opens every document'
  | 'GET gets a key, and a cache keeps it'
  | 'every web page may read, with credentials'
  | 'the origin that asks is the origin that may'
  | 'the key is normalised and trimmed on its way back'
  | 'an error lists the keys there are'
  | 'a race for the first key gives two'
  | 'it redirects'
  | '"" is taken for null'
  | 'an unknown hint is given a key of its own'
  | 'half a character is replaced'
  | 'document ids are normalised'
  | 'strangers are told which documents exist'
  | 'the hint is the e-mail address of who asked'
  | 'a wrong type is an error of the server'
  | 'the key stands in a header, too'

/** Users of the endpoint by their token. */
export const USERS = {
  writer: { authorization: 'Bearer writer' },
  colleague: { authorization: 'Bearer colleague' },
  reader: { authorization: 'Bearer reader' },
  outsider: { authorization: 'Bearer outsider' },
  invalid: { authorization: 'Bearer expired' },
} as const

export const ORIGIN = 'https://app.example'

/** A request of the contract has 8 KiB and less. */
const MAX_BODY_BYTES = 16 * 1024

const SLOW_MS = 50

export interface MinimalEndpoint {
  readonly url: string
  readonly keys: readonly string[]
  close(): Promise<void>
}

interface Answer {
  readonly key: string | undefined
  readonly keyHint: string
}

class Refused extends Error {
  readonly status: number
  constructor(status: number) {
    super()
    this.status = status
  }
}

/** The contract of TinyMCE's encryption provider, whole and no more: `key`, `keyHint`, one key for each document. */
export async function startMinimalEndpoint(mistake?: Mistake): Promise<MinimalEndpoint> {
  const issued = new Map<string, string>()
  const current = new Map<string, string>()
  const keys: string[] = []
  const is = (made: Mistake): boolean => made === mistake

  function nameOf(documentId: string, keyHint: string): string {
    if (is('a hint opens every document')) return keyHint
    return JSON.stringify([is('document ids are normalised') ? documentId.normalize('NFKC') : documentId, keyHint])
  }

  function issue(documentId: string, keyHint: string): string {
    // Decomposed, and with a blank at the end, as some generator may make it.
    const tail = is('the key is normalised and trimmed on its way back') ? 'e\u0301 ' : ''
    const key = randomBytes(32).toString('base64url') + tail
    keys.push(key)
    issued.set(nameOf(documentId, keyHint), key)
    return key
  }

  async function answer(documentId: string, keyHint: string | null, mayCreate: boolean, user: string): Promise<Answer> {
    if (keyHint === null || (keyHint === '' && is('"" is taken for null'))) {
      const id = is('document ids are normalised') ? documentId.normalize('NFKC') : documentId
      const hint = current.get(id)
      if (hint !== undefined) return { key: issued.get(nameOf(documentId, hint)), keyHint: hint }
      if (!mayCreate) throw new Refused(403)
      // A slow database is asked here, so slow that a burst of requests has come meanwhile on a busy machine, too.
      if (is('a race for the first key gives two')) await sleep(SLOW_MS)
      const fresh = is('the hint is the e-mail address of who asked')
        ? `${user}@example.com`
        : randomBytes(16).toString('hex')
      const key = issue(documentId, fresh)
      current.set(id, fresh)
      return { key, keyHint: fresh }
    }
    if (is('a new key for each hint') && current.has(documentId)) return { key: issue(documentId, keyHint), keyHint }
    const key = issued.get(nameOf(documentId, keyHint))
    if (key !== undefined) {
      const again = is('the key is normalised and trimmed on its way back') ? key.normalize('NFC').trim() : key
      return { key: again, keyHint }
    }
    if (is('an unknown hint is given a key of its own')) return { key: issue(documentId, keyHint), keyHint }
    throw new Refused(404)
  }

  async function handle(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    const isGet = request.method === 'GET' && is('GET gets a key, and a cache keeps it')
    if (request.method !== 'POST' && !isGet) throw new Refused(405)
    const { origin, authorization = '' } = request.headers
    if (origin !== undefined && origin !== ORIGIN && !opensToAll()) throw new Refused(403)
    const user = Object.entries(USERS).find(([, headers]) => headers.authorization === authorization)?.[0]
    if (user === undefined || user === 'invalid') throw new Refused(401)
    const asked: unknown = isGet ? Object.fromEntries(url.searchParams) : parseBody(await readBody(request))
    const { documentId, keyHint } = parse(asked)
    if (user === 'outsider') {
      throw new Refused(is('strangers are told which documents exist') && !current.has(documentId) ? 404 : 403)
    }
    return answer(documentId, keyHint, user !== 'reader', user)
  }

  function parseBody(body: Buffer): unknown {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    } catch {
      throw new Refused(400)
    }
  }

  function parse(asked: unknown): { documentId: string; keyHint: string | null } {
    if (typeof asked !== 'object' || asked === null) throw new Refused(400)
    const { documentId, keyHint } = asked as { documentId?: unknown; keyHint?: unknown }
    const isText = typeof documentId === 'string' && (keyHint === null || typeof keyHint === 'string')
    if (!isText) throw new Refused(is('a wrong type is an error of the server') ? 500 : 400)
    const halves = /\p{Surrogate}/gu
    const isWhole = documentId.search(halves) < 0 && (keyHint ?? '').search(halves) < 0
    if (!isWhole && !is('half a character is replaced')) throw new Refused(400)
    if (documentId === '' || (keyHint?.length ?? 0) > 256) throw new Refused(400)
    return { documentId: documentId.replace(halves, '\ufffd'), keyHint: keyHint?.replace(halves, '\ufffd') ?? null }
  }

  function respond(response: ServerResponse, found: Answer): void {
    if (is('the key stands in a header, too')) response.setHeader('content-type', `application/json; key=${found.key}`)
    response.end(JSON.stringify(found))
  }

  const opensToAll = () =>
    is('every web page may read, with credentials') || is('the origin that asks is the origin that may')

  function allowOrigin({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    if (origin === undefined || (origin !== ORIGIN && !opensToAll())) return
    const allowed = is('every web page may read, with credentials') ? '*' : origin
    response.setHeader('access-control-allow-origin', allowed)
    response.setHeader('access-control-allow-headers', 'authorization, content-type')
    response.setHeader('access-control-allow-credentials', 'true')
  }

  const server = createServer(async (request, response) => {
    response.setHeader('cache-control', is('GET gets a key, and a cache keeps it') ? 'max-age=3600' : 'no-store')
    response.setHeader('content-type', 'application/json')
    response.setHeader('vary', 'Origin')
    allowOrigin(request, response)
    try {
      if (request.method === 'OPTIONS') response.writeHead(204).end()
      else if (is('it redirects')) response.writeHead(307, { location: 'http://127.0.0.1:9/keys' }).end()
      else respond(response, await handle(request))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const list = is('an error lists the keys there are') && error.status === 404 ? { known: [...issued] } : {}
      response.writeHead(error.status).end(JSON.stringify({ error: error.status, ...list }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    // A TCP server has an AddressInfo.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    keys,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Refused(413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
