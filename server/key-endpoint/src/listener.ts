import { createServer, type RequestListener, type Server } from 'node:http'

/** A whole request is one small JSON; slower senders hold connections open on purpose. */
const REQUEST_TIMEOUT_MS = 10_000

/** Enough for any answer under way; then a client that does not read is cut off. */
const DRAIN_MS = 2_000

export function listen(app: RequestListener, port: number, host: string): Promise<Server> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, app)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

/** Accepts nothing new, lets what was asked be answered, then closes every connection. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
    server.close((error) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve()
    })
    server.closeIdleConnections()
  })
}
