import type { Server } from 'node:http'
import express, { type Express } from 'express'
import helmet from 'helmet'
import type { Authorize } from './authorize.ts'
import type { Dialect } from './dialects.ts'
import { KeyServerError } from './key-server-error.ts'
import type { KeyStore } from './key-store.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { listen, stop } from './listener.ts'
import { createLog, type Log } from './log.ts'
import { isLoopbackHost, isLoopbackOrigin, loopbackOnly } from './loopback.ts'
import { refuseErrors, sendRefusal } from './refusal.ts'
import { keyRouter } from './router.ts'
import { openSqliteKeyStore } from './sqlite-key-store.ts'

const DEFAULT_PORT = 8788
const DEFAULT_HOST = '127.0.0.1'

export interface KeyServerOptions {
  /** A directory, made if missing, or `'memory'`. */
  readonly data: string
  /** Default 8788; 0: any free one. */
  readonly port?: number
  /** Bind address, default 127.0.0.1. */
  readonly host?: string
  /** Who may have which key. Without it: whoever is on this machine, and this machine only. */
  readonly authorize?: Authorize
  /** How old a key may be, such as `'30d'`, `'12h'` or `'90m'`; then clients rotate. Default: for ever. */
  readonly rotateAfter?: string
  /** Web origins that may ask. Default: the server's own; without authorize any of this machine. */
  readonly origins?: readonly string[]
  /** Ways to ask beside the contract's. Default: none. */
  readonly dialects?: readonly Dialect[]
  readonly log?: Log
}

const OPTION_NAMES = [
  'data',
  'port',
  'host',
  'authorize',
  'rotateAfter',
  'origins',
  'dialects',
  'log',
] as const satisfies (keyof KeyServerOptions)[]

export interface KeyServer {
  /** Where keys are asked for, such as `http://127.0.0.1:8788/keys`. */
  readonly url: string
  /** Answers what has been asked, then closes connections and store. */
  close(): Promise<void>
}

/**
 * A key endpoint at `/keys`, with `/healthz` beside it.
 * @throws KeyServerError `auth-required` without authorize under NODE_ENV=production or on a host other than loopback,
 *   and those of the store; TypeError for an unknown option or a rotateAfter that is not an age
 */
export async function createKeyServer(options: KeyServerOptions): Promise<KeyServer> {
  refuseUnknownOptions('createKeyServer', options, OPTION_NAMES)
  const { data, port = DEFAULT_PORT, host = DEFAULT_HOST, log = createLog() } = options
  if (typeof data !== 'string' || data === '') throw new TypeError("createKeyServer: data is a directory or 'memory'")
  if (!options.authorize) refuseExposure(host, options.origins)

  const store = openSqliteKeyStore(data)
  let server: Server
  try {
    server = await listen(createApp(options, store, log), port, host)
  } catch (error) {
    await store.close()
    throw error
  }
  if (!options.authorize) {
    log.warn({}, 'no authorize: every program on this machine gets every key; for development only')
  }
  let closed: Promise<void> | undefined
  return {
    url: `${originOf(server, host)}/keys`,
    close: () => {
      closed ??= stop(server).then(() => store.close())
      return closed
    },
  }
}

function createApp(
  { authorize, rotateAfter, origins, dialects = [] }: KeyServerOptions,
  store: KeyStore,
  log: Log,
): Express {
  const app = express()
  app.use(helmet())
  if (!authorize) app.use(loopbackOnly)
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.use(
    '/keys',
    keyRouter({
      authorize: authorize ?? (() => ({ subject: 'this machine', role: 'write' })),
      store,
      ...(rotateAfter === undefined ? {} : { rotateAfter }),
      origins: origins ?? (authorize ? [] : isLoopbackOrigin),
      dialects,
      log,
    }),
  )
  app.use((_request, response) => sendRefusal(response, 'not-found'))
  app.use(refuseErrors(log))
  return app
}

function refuseExposure(host: string, origins: readonly string[] = []): void {
  const why =
    process.env.NODE_ENV === 'production'
      ? 'under NODE_ENV=production'
      : !isLoopbackHost(host)
        ? 'on a host other than 127.0.0.1'
        : !origins.every(isLoopbackOrigin)
          ? 'for web pages of other machines'
          : undefined
  if (why) throw new KeyServerError('auth-required', `a key server ${why} needs the option authorize`)
}

function originOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
