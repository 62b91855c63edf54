import type { Server } from 'node:http'
import express, { type Express } from 'express'
import helmet from 'helmet'
import type { Audit } from './audit.ts'
import type { Authorize } from './authorize.ts'
import type { Dialect } from './dialects.ts'
import { KeyServerError } from './key-server-error.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { listen, stop } from './listener.ts'
import { createLog, type Log } from './log.ts'
import { isLoopbackHost, isLoopbackOrigin, loopbackOnly } from './loopback.ts'
import { FIXED } from './methods/fixed-keys.ts'
import type { KeyMethod } from './methods/key-method.ts'
import { storedKeys } from './methods/stored-keys.ts'
import type { RateLimits } from './rate-limits.ts'
import { refuseErrors, sendRefusal } from './refusal.ts'
import { keyRouter } from './router.ts'
import type { KeyStore } from './store/key-store.ts'
import type { MasterKey } from './store/master-key.ts'
import { openKeyStore } from './store/open-key-store.ts'

const DEFAULT_PORT = 8788
const DEFAULT_HOST = '127.0.0.1'

export interface KeyServerOptions {
  /** A directory, made if missing, `'memory'`, or the URL of a PostgreSQL database (`postgres://…`). */
  readonly data: string
  /** The first seals, all open; with more than one, keys are sealed again at start. Default: the file `master.key` in the directory. */
  readonly masterKeys?: readonly MasterKey[]
  /** How new keys are made. Default: `storedKeys`. */
  readonly method?: KeyMethod
  /** Names the method that is meant to be used under NODE_ENV=production; one that is `fixed` is refused there without. */
  readonly productionMethod?: string
  /** Default 8788; 0: any free one. */
  readonly port?: number
  /** Bind address, default 127.0.0.1. */
  readonly host?: string
  /** Who may have which key. Without it: whoever is on this machine, and this machine only. */
  readonly authorize?: Authorize
  /** How old a key may be, such as `'30d'`, `'12h'` or `'90m'`; then clients rotate. Default: for ever. */
  readonly rotateAfter?: string
  /** Web origins that may ask. Default: the server's own; without authorize any of this machine. */
  readonly cors?: readonly string[]
  /** Told of everything that is decided about a key, before it is answered. Default: nobody. */
  readonly audit?: Audit
  /** How often one subject may ask; without authorize nothing is counted. */
  readonly rateLimits?: RateLimits | false
  /** Ways to ask beside the contract's. Default: none. */
  readonly dialects?: readonly Dialect[]
  readonly log?: Log
}

const OPTION_NAMES = [
  'data',
  'masterKeys',
  'method',
  'productionMethod',
  'port',
  'host',
  'authorize',
  'rotateAfter',
  'cors',
  'audit',
  'rateLimits',
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
 * @throws KeyServerError `auth-required` without authorize under NODE_ENV=production or on a host other than loopback, `method-weak`,
 *   and those of the store; TypeError for an unknown option or a rotateAfter that is not an age
 */
export async function createKeyServer(options: KeyServerOptions): Promise<KeyServer> {
  refuseUnknownOptions('createKeyServer', options, OPTION_NAMES)
  const { data, port = DEFAULT_PORT, host = DEFAULT_HOST, method = storedKeys, log = createLog() } = options
  if (typeof data !== 'string' || data === '') {
    const got = data === '' ? 'no text' : typeof data
    throw new TypeError(`createKeyServer: data is a directory, postgres://… or 'memory'; got ${got}`)
  }
  if (!options.authorize) refuseExposure(host, options.cors)
  refuseWeakMethod(method, options)

  const opened = await openKeyStore(options)
  let server: Server
  try {
    const store = opened.using(method)
    await store.checkOrigins()
    server = await listen(createApp(options, store, log), port, host)
  } catch (error) {
    await opened.close()
    throw error
  }
  if (!options.authorize) {
    log.warn({}, 'no authorize: every program on this machine gets every key; for development only')
  }
  if (method.weakness !== undefined) log.warn({}, `method ${method.name}: ${method.weakness}`)
  const rewrapped = (options.masterKeys?.length ?? 0) > 1 ? rewrap(opened, log) : undefined
  let closed: Promise<void> | undefined
  return {
    url: `${originOf(server, host)}/keys`,
    close: () => {
      closed ??= stop(server)
        .then(() => rewrapped)
        .then(() => opened.close())
      return closed
    },
  }
}

/** Beside the answers, which open what is under either key. */
async function rewrap(store: KeyStore, log: Log): Promise<void> {
  try {
    await store.rewrap()
    log.info({}, 'all keys are sealed under the first master key; once every instance says so, the others may go')
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : typeof error
    log.error({ error: name }, 'not all keys could be sealed under the first master key; keep the others')
  }
}

function createApp(
  { authorize, rotateAfter, cors, audit, rateLimits, dialects = [] }: KeyServerOptions,
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
      ...(audit === undefined ? {} : { audit }),
      ...(authorize ? (rateLimits === undefined ? {} : { rateLimits }) : { rateLimits: false }),
      cors: cors ?? (authorize ? [] : isLoopbackOrigin),
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

function refuseWeakMethod({ name, weakness }: KeyMethod, { productionMethod }: KeyServerOptions): void {
  if (name !== FIXED || process.env.NODE_ENV !== 'production' || productionMethod === name) return
  throw new KeyServerError('method-weak', `the method ${name} in production must be named there, too: ${weakness}`)
}

function originOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
