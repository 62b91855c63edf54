import { type ClientModule, type ClientProcess, startClientProcess } from '../clients/start-clients.ts'
import type { ServerKind } from '../servers/server-kind.ts'
import { type Server, type StartSettings, startServer } from '../servers/start-server.ts'
import { type Bench, Unavailable } from './row.ts'

/** What is running during one measurement. */
export interface Running {
  readonly server: Server
  /** Starts a process with clients that ends with the measurement. */
  startClients(module: ClientModule): ClientProcess
}

/** Starts a server with an empty store, lets `measure` use it, and ends everything that was started, whatever happened. */
export async function withServer<Result>(
  { node }: Bench,
  kind: ServerKind,
  measure: (running: Running) => Promise<Result>,
  settings: StartSettings = {},
): Promise<Result> {
  const server = await startServer(kind, node, settings)
  const clients: ClientProcess[] = []
  try {
    return await measure({
      server,
      startClients(module) {
        const client = startClientProcess(module, node)
        clients.push(client)
        return client
      },
    })
  } catch (error) {
    if (error instanceof Unavailable) throw error
    throw new Error(`${kind} printed:\n${server.output}`, { cause: error })
  } finally {
    await Promise.all(clients.map((client) => client.end()))
    await server.dispose()
  }
}
