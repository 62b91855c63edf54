import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** Twice what a client reads: enough to see that an answer is too long. */
const MAX_READ_BYTES = 128 * 1024

/** One HTTP request with exactly these headers. Unlike fetch it may send any Origin, and follows nothing. */
export interface RawRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface Exchange {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Cut where it is longer than is read. */
  readonly body: Buffer
}

/** Nothing came back: refused, cut off or too late. `code` is a system error's, such as ECONNREFUSED. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly code: string

  constructor(code: string) {
    super(`no answer (${code})`)
    this.code = code
  }
}

/** Rejects with NoAnswer only. A connection of its own each time: a server may hang up on what it refuses. */
export function exchange({ method, url, headers, body }: RawRequest, timeoutMs: number): Promise<Exchange> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const request = send(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let read = 0
      const finish = (): void => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
        request.destroy()
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        read += chunk.length
        if (read > MAX_READ_BYTES) finish()
      })
      response.on('end', finish)
      response.on('error', finish)
    })
    const timer = setTimeout(() => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })), timeoutMs)
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      reject(new NoAnswer(error.code ?? 'network'))
    })
    request.end(body)
  })
}
