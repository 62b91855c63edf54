import { type ServerProcess, startServerProcess } from './server-process.ts'

/** The relay as a process of its own, with its log in the directory `data`. */
export function startRelayProcess(data: string): Promise<ServerProcess> {
  return startServerProcess('server/relay/dist/main.js', { data })
}
