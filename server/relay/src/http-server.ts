import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ADMIN_PATH, type AdminApi } from './admin/admin-api.ts'

export interface HttpPorts {
  /** undefined: there is no operator's interface, and no metrics. */
  admin: AdminApi | undefined
  /** Whether clients can be served now: store and bus answer, and the relay is not about to close. */
  readiness(): Promise<{ isReady: boolean; parts: Record<string, boolean> }>
  /** In Prometheus' text format. */
  metrics(): string
}

/** All that is served beside WebSockets. Whoever asks without the operator's token learns whether the process lives, and nothing else. */
export function createHttpServer(ports: HttpPorts): Server {
  return createServer((request, response) => {
    answer(ports, request, response).catch(() => response.destroy())
  })
}

async function answer({ admin, readiness, metrics }: HttpPorts, request: IncomingMessage, response: ServerResponse) {
  const { method, url = '' } = request
  if (admin && url.startsWith(ADMIN_PATH)) {
    await admin.answer(request, response)
  } else if (method === 'GET' && url === '/healthz') {
    json(response, 200, { status: 'ok' })
  } else if (method === 'GET' && url === '/readyz') {
    const { isReady, parts } = await readiness()
    json(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not-ready', ...parts })
  } else if (admin && method === 'GET' && url === '/metrics') {
    if (!admin.isOperator(request)) json(response, 401, { error: 'unauthorised' })
    else response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics())
  } else {
    json(response, 404, { error: 'not-found' })
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}
