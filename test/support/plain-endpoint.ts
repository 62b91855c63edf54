import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KeyMethod, PlainAnswer } from './plain-key-methods.ts'

export interface PlainEndpointOptions {
  /** 400 to a request with any other member than the two it was written for. */
  readonly refusesUnknownMembers?: boolean
  /** Answered beside key and hint. */
  readonly extraMembers?: Readonly<Record<string, unknown>>
  readonly contentType?: string
  /** Before the JSON, as some editors save PHP files. */
  readonly byteOrderMark?: boolean
}

/** A key endpoint as somebody wrote it for TinyMCE RTC: it has never heard of `after`, `record`, `epoch` or `active`. */
export interface PlainEndpoint {
  readonly url: string
  /** What was asked of it, as JSON texts, oldest first. */
  readonly asked: readonly string[]
  /** Every answer that has a key, oldest first. */
  readonly answered: readonly PlainAnswer[]
  /** Out of reach from now on, with all that it knows kept. */
  stop(): Promise<void>
  /** Back, on the same port. */
  start(): Promise<void>
}

/** Runs the method behind HTTP on a free loopback port. */
export async function startPlainEndpoint(
  method: KeyMethod,
  options: PlainEndpointOptions = {},
): Promise<PlainEndpoint> {
  const asked: string[] = []
  const answered: PlainAnswer[] = []
  let server: Server | undefined
  let port = 0

  const answer = (body: string): { status: number; said: unknown } => {
    // What it trusts its callers to send.
    const { documentId, keyHint, ...unknown } = JSON.parse(body) as { documentId: string; keyHint: string | null }
    if (options.refusesUnknownMembers && Object.keys(unknown).length > 0) return { status: 400, said: {} }
    const found = method({ documentId, keyHint })
    if (found === undefined) return { status: 403, said: { message: 'access not permitted' } }
    answered.push(found)
    return { status: 200, said: { ...options.extraMembers, ...found } }
  }

  const start = async (): Promise<void> => {
    const listening = createServer((request, response) => {
      if (request.method !== 'POST') return response.writeHead(405).end()
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      return request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        asked.push(body)
        const { status, said } = answer(body)
        response.writeHead(status, { 'content-type': options.contentType ?? 'application/json' })
        response.end(`${options.byteOrderMark ? '\ufeff' : ''}${JSON.stringify(said)}`)
      })
    })
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve))
    // A TCP server has an AddressInfo.
    port = (listening.address() as AddressInfo).port
    server = listening
  }

  await start()
  return {
    url: `http://127.0.0.1:${port}/keys`,
    asked,
    answered,
    start,
    async stop() {
      const stopping = server
      server = undefined
      if (stopping === undefined) return
      stopping.closeAllConnections()
      await new Promise((resolve) => stopping.close(resolve))
    },
  }
}
