import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Authorize,
  createKeyServer,
  type KeyRouterOptions,
  type KeyServer,
  type KeyServerOptions,
  keyRouter,
  type Log,
  openSqliteKeyStore,
} from '@y-sealed/key-endpoint'
import express, { type RequestHandler } from 'express'
import { onTestFinished } from 'vitest'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Record<string, unknown>
}

export interface Question {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
}

/** One HTTP request with exactly these headers; unlike fetch it may lie about Host and Origin. */
export function send(url: string, { method = 'POST', headers = {}, body }: Question = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = response.headers['content-type']?.startsWith('application/json') ?? false
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : {},
        })
      })
    })
    // The server may answer and hang up before it has read all of a body that it refuses.
    request.on('error', reject)
    request.end(body)
  })
}

export function ask(url: string, question: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return send(url, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(question) })
}

export interface LoggedLine {
  readonly level: keyof Log
  readonly fields: object
  readonly message: string
}

export function recordingLog(): Log & { readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = []
  const note = (level: keyof Log) => (fields: object, message: string) => void lines.push({ level, fields, message })
  return { lines, info: note('info'), warn: note('warn'), error: note('error') }
}

/** A key server on a free port, closed when the test ends. */
export async function startKeyServer(options: Partial<KeyServerOptions> = {}): Promise<KeyServer> {
  const server = await createKeyServer({ data: 'memory', port: 0, log: recordingLog(), ...options })
  onTestFinished(() => server.close())
  return server
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'y-sealed-keys-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export const asWriter: Authorize = () => ({ subject: 'ada', role: 'write' })

/** A router in an app of its own, at `/keys`, gone when the test ends. */
export async function mount(options: Partial<KeyRouterOptions> = {}, ...before: RequestHandler[]) {
  const store = options.store ?? openSqliteKeyStore('memory')
  const log = recordingLog()
  const app = express()
  for (const handler of before) app.use(handler)
  app.use('/keys', keyRouter({ authorize: asWriter, store, log, ...options }))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await store.close()
  })
  // A TCP server has an AddressInfo.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, store, log }
}
