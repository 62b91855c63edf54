import { join } from 'node:path'
import express from 'express'
import { editorPageHeaders, securityHeaders } from './security-headers.ts'
import { createSignIn, type SignInOptions } from './sign-in.ts'

export interface DemoOptions extends SignInOptions {
  /** Where people open the page, as `http://127.0.0.1:8080`. No other name and no other origin is served. */
  origin: string
  relayUrl: string
  keysUrl: string
  /** What Vite built. */
  pageFolder: string
}

/** The demo's own server: one page, and a sign-in that stands for the customer's app. It sees no document and no key. */
export function createDemoApp(options: DemoOptions): express.Express {
  const app = express()
  app.disable('x-powered-by')
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.use(onlyUnderOwnName(options.origin))
  const servers = [options.relayUrl, new URL(options.keysUrl).origin]
  app.use(securityHeaders(servers))
  app.use('/editors', editorPageHeaders(servers))
  app.use(createSignIn(options))
  app.use(
    '/assets',
    express.static(join(options.pageFolder, 'assets'), { immutable: true, maxAge: '1y', fallthrough: false }),
  )
  app.use(express.static(options.pageFolder, { cacheControl: false, setHeaders: forbidCaching }))
  return app
}

/** A foreign name that resolves to this machine (DNS rebinding) gets nothing; `localhost` is led to the one true address. */
function onlyUnderOwnName(origin: string): express.RequestHandler {
  const own = new URL(origin)
  return (request, response, next) => {
    const { host } = request.headers
    if (host === own.host) next()
    else if (host === `localhost:${own.port}` && request.method === 'GET') response.redirect(origin + request.url)
    else response.status(421).json({ error: 'misdirected' })
  }
}

function forbidCaching(response: express.Response): void {
  response.setHeader('Cache-Control', 'no-store')
}
